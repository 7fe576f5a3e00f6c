import { EsteiraError } from '../errors.js'
import type { Feature } from './feature.js'

interface FeatureGroup {
  readonly madeBy: string
  readonly features: Readonly<Record<string, Feature>>
}

const GROUP = 'esteira.feature-group'

/**
 * Notes on features that belong together under which names they were made. The note is a property of its own symbol, so that
 * it survives when several groups are spread into one object, also when all features of one were overwritten by another.
 */
export function markGroup<Features extends object>(madeBy: string, features: Features): Features {
  return { ...features, [Symbol(GROUP)]: { madeBy, features } }
}

/**
 * The features alone, without the notes of their groups.
 *
 * @throws EsteiraError ESTEIRA_PROJECT when a feature of a group was overwritten by another one of the same name
 */
export function withoutOverwritten<Features extends Readonly<Record<string, Feature>>>(
  where: string,
  features: Features,
): Features {
  for (const { madeBy, features: made } of groupsOf(features)) {
    for (const [name, feature] of Object.entries(made)) {
      if (JSON.stringify(features[name]) === JSON.stringify(feature)) continue
      throw new EsteiraError(
        'ESTEIRA_PROJECT',
        `${where}.${name}: two features have this name; the one of ${madeBy} would be lost`,
        { hint: 'Give one of them another name: in windows() with `of` and `as`, else by writing it out.' },
      )
    }
  }
  return Object.fromEntries(Object.entries(features)) as Features
}

function groupsOf(features: object): FeatureGroup[] {
  const symbols = Object.getOwnPropertySymbols(features).filter(({ description }) => description === GROUP)
  return symbols.map((symbol) => Reflect.get(features, symbol) as FeatureGroup)
}
