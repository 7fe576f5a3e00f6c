/** The tag by which a run, a logged model or a version is found again when the answer to its making got lost. */
export const REQUEST_TAG = 'esteira.request_id'
