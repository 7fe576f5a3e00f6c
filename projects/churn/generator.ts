/** What {@link generateBookings} makes. */
export interface BookingOptions {
  /** Rows of the file without its header, dirt included. */
  readonly rows: number
  /** The same rows, seed and end give the same bytes. */
  readonly seed: number
  /** The run date, `YYYY-MM-DD`: apart from the future-dated dirt, every row is before it. */
  readonly until: string
}

const HEADER = 'booking_id,customer_id,booked_at,amount,category,payment_method\n'
const CHUNK_CHARACTERS = 65_536
const HISTORY_DAYS = 1096
const DAY_MS = 86_400_000

/** Shares of rows that are not as they should be. */
const DIRT = {
  duplicate: 0.005,
  nullId: 0.002,
  refund: 0.01,
  oddSpelling: 0.015,
  nullLabel: 0.002,
  late: 0.004,
  future: 0.001,
}

/** Prices are medians in reais. Odd spellings come back to the name by trimming, lower case, `_` for blanks, no accents. */
const CATEGORIES = [
  { name: 'economy', share: 0.36, price: 160, spread: 0.3, odd: ['Economy', 'ECONOMY', ' economy', 'Económy'] },
  { name: 'compact', share: 0.26, price: 210, spread: 0.3, odd: ['Compact', 'compact ', 'COMPACT'] },
  { name: 'suv', share: 0.2, price: 390, spread: 0.35, odd: ['SUV', 'SUV ', 'Suv'] },
  { name: 'van', share: 0.11, price: 480, spread: 0.4, odd: ['Van', ' VAN '] },
  { name: 'luxury', share: 0.07, price: 900, spread: 0.5, odd: ['Luxury', 'LUXURY '] },
] as const

const PAYMENTS = [
  { name: 'credit_card', share: 0.46, odd: ['Credit Card', 'CREDIT_CARD', 'Crédit Card', 'credit card '] },
  { name: 'pix', share: 0.3, odd: ['PIX', 'Pix', 'pix '] },
  { name: 'debit_card', share: 0.1, odd: ['Debit Card', 'Débit Card'] },
  { name: 'boleto', share: 0.08, odd: ['Boleto', 'BOLETO'] },
  { name: 'wallet', share: 0.06, odd: ['Wallet', ' wallet'] },
] as const

/** Demand by calendar month: the summer and July holidays. */
const SEASON = [1, 0.9, 0.8, 0.8, 0.75, 0.8, 0.95, 0.77, 0.77, 0.8, 0.83, 1]
/** Bookings by hour of the wall clock. */
const HOURS = [4, 2, 1, 1, 1, 3, 10, 22, 38, 48, 50, 46, 42, 40, 44, 48, 50, 54, 56, 48, 36, 26, 16, 8]

/** How customers live; days, and bookings a day. Chosen so that about 30 % of those seen in 90 days stay away for 90. */
const LIFE = {
  rate: 0.135,
  rateSpread: 0.4,
  /** Some only try once or twice: they are unhappy from the start. */
  onlyTries: 0.12,
  contentDays: { least: 30, shortestMean: 40, longestMean: 230 },
  declineDays: { least: 75, most: 125 },
  /** What is lost of the rate and of the price at the end of the decline. */
  lostRate: 0.93,
  lostPrice: 0.55,
  /** Holidays from renting, which look like leaving and are not. */
  breakEvery: 150,
  breakDays: { least: 30, most: 75 },
}

/**
 * Bookings of an invented rental marketplace, as the text of a CSV file in pieces of about 64 KB, header first:
 * `booking_id,customer_id,booked_at,amount,category,payment_method`. `booked_at` is the wall clock of
 * America/Sao_Paulo; rows come customer by customer, not in the order of time.
 *
 * Customers arrive over three years, about one for twenty rows. Each has a rate, a taste and habits of its own, and takes
 * breaks. Sooner or later a customer grows unhappy: the gaps widen, bookings get cheaper and move to other days of the
 * week, and in the end there are none. Nothing but this behaviour tells who is leaving.
 *
 * @throws RangeError for options that are no whole numbers or no date
 * @example
 * for (const text of generateBookings({ rows: 200_000, seed: 7, until: '2026-01-01' })) file.write(text)
 */
export function* generateBookings(options: BookingOptions): Generator<string> {
  checkOptions(options)
  const random = new Random(options.seed)
  const calendar = new Calendar(options.until)
  const file = new BookingFile(options.rows, random, calendar)
  let text = HEADER
  for (let number = 1; !file.full; number++) {
    for (const booking of bookingsOf(newCustomer(number, random), random, calendar)) {
      text += file.rowsFor(booking)
      if (text.length >= CHUNK_CHARACTERS) {
        yield text
        text = ''
      }
      if (file.full) break
    }
  }
  yield text + file.lateRows
}

function checkOptions({ rows, seed, until }: BookingOptions): void {
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new RangeError(`rows must be a whole number from 1 up, not ${rows}`)
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a whole number, not ${seed}`)
  const day = new Date(`${until}T00:00:00Z`)
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== until) {
    throw new RangeError(`until must be a date such as 2026-01-01, not ${JSON.stringify(until)}`)
  }
}

interface Customer {
  readonly id: string
  /** Days since the start of the history, as all times here. */
  readonly arrival: number
  /** Bookings a day while content. */
  readonly rate: number
  /** Multiplies the price of every booking. */
  readonly purse: number
  /** How much likelier a Saturday or Sunday is than a working day. */
  readonly weekend: number
  /** Hours later than others. */
  readonly hourShift: number
  readonly category: number
  readonly payment: number
  /** From here on bookings get rarer and cheaper. */
  readonly unhappyAt: number
  /** There is no booking from here on. */
  readonly leavesAt: number
}

function newCustomer(number: number, random: Random): Customer {
  // Lives are spread evenly rather than at random, so that a small file has the mix of a large one; the first customer
  // is there on the first day, so that it covers the whole history too.
  const arrival = number === 1 ? 0 : random.spread(number, 0) * HISTORY_DAYS
  const leisure = random.next() < 0.5
  const onlyTries = random.next() < LIFE.onlyTries
  const { least, shortestMean, longestMean } = LIFE.contentDays
  const contentMean = between(shortestMean, longestMean, random.next())
  const contentDays = onlyTries ? 0 : least - contentMean * Math.log(1 - random.spread(number, 1))
  const unhappyAt = arrival + contentDays
  return {
    id: `C${padded(number, 7)}`,
    arrival,
    rate: LIFE.rate * Math.exp(LIFE.rateSpread * random.normal()),
    purse: Math.exp(0.35 * random.normal()),
    weekend: leisure ? 2.6 : 0.4,
    hourShift: leisure ? random.below(4) : -random.below(4),
    category: random.pick(CATEGORY_SHARES),
    payment: random.pick(PAYMENT_SHARES),
    unhappyAt,
    leavesAt: unhappyAt + between(LIFE.declineDays.least, LIFE.declineDays.most, random.spread(number, 2)),
  }
}

interface Booking {
  readonly customerId: string
  readonly day: number
  readonly second: number
  readonly cents: number
  readonly category: number
  readonly payment: number
}

function* bookingsOf(customer: Customer, random: Random, calendar: Calendar): Generator<Booking> {
  const { weekend, unhappyAt, leavesAt } = customer
  let time = customer.arrival
  let breakAt = time + random.exponential(LIFE.breakEvery)
  while (time < leavesAt && time < HISTORY_DAYS) {
    const day = Math.floor(time)
    // From 0, content, to 1, gone.
    const mood = Math.max(0, (time - unhappyAt) / (leavesAt - unhappyAt))
    const weekendNow = weekend + (1 - weekend) * mood
    if (random.next() < calendar.demand(day, weekendNow)) yield bookingAt(customer, day, mood, random)
    time += random.gap(customer.rate * THINNING * (1 - LIFE.lostRate * mood))
    if (time >= breakAt) {
      time += between(LIFE.breakDays.least, LIFE.breakDays.most, random.next())
      breakAt = time + random.exponential(LIFE.breakEvery)
    }
  }
}

function bookingAt(customer: Customer, day: number, mood: number, random: Random): Booking {
  const usual = random.next() < 0.72
  const category = usual ? customer.category : random.pick(CATEGORY_SHARES)
  const payment = random.next() < 0.8 ? customer.payment : random.pick(PAYMENT_SHARES)
  const { price, spread } = CATEGORIES[category] ?? CATEGORIES[0]
  const amount = price * customer.purse * Math.exp(spread * random.normal()) * (1 - LIFE.lostPrice * mood)
  const hour = (random.pick(HOUR_SHARES) + customer.hourShift + 24) % 24
  return {
    customerId: customer.id,
    day,
    second: hour * 3600 + random.below(3600),
    cents: Math.max(1000, Math.round(amount * 100)),
    category,
    payment,
  }
}

/** Turns bookings into rows, dirt among them, until the asked number of rows is reached. */
class BookingFile {
  readonly #random: Random
  readonly #calendar: Calendar
  #rowsLeft: number
  #bookings = 0
  /** Rows that arrive after all others, although their dates are old. */
  lateRows = ''

  constructor(rows: number, random: Random, calendar: Calendar) {
    this.#rowsLeft = rows
    this.#random = random
    this.#calendar = calendar
  }

  get full(): boolean {
    return this.#rowsLeft === 0
  }

  /** The row of the booking, and what dirt comes with it. */
  rowsFor(booking: Booking): string {
    const random = this.#random
    const row = this.#row(booking, true)
    const late = booking.day < HISTORY_DAYS - 60 && random.next() < DIRT.late
    if (late) this.lateRows += row
    let text = late ? '' : row
    if (random.next() < DIRT.duplicate) text += this.#repeat(row)
    if (random.next() < DIRT.refund) text += this.#row(this.#refundOf(booking), false)
    if (random.next() < DIRT.future) text += this.#row({ ...booking, day: HISTORY_DAYS + random.below(365) }, false)
    return text
  }

  #repeat(row: string): string {
    if (this.full) return ''
    this.#rowsLeft--
    return row
  }

  #row(booking: Booking, mayLackId: boolean): string {
    if (this.full) return ''
    this.#rowsLeft--
    const random = this.#random
    const lacking = mayLackId && random.next() < DIRT.nullId ? 1 + random.below(2) : 0
    const id = lacking === 1 ? '' : `B${padded(++this.#bookings, 9)}`
    const customer = lacking === 2 ? '' : booking.customerId
    const category = this.#label(CATEGORIES[booking.category] ?? CATEGORIES[0])
    const payment = this.#label(PAYMENTS[booking.payment] ?? PAYMENTS[0])
    const time = this.#calendar.format(booking.day, booking.second)
    return `${id},${customer},${time},${money(booking.cents)},${category},${payment}\n`
  }

  #label(label: { readonly name: string; readonly odd: readonly string[] }): string {
    const draw = this.#random.next()
    if (draw < DIRT.nullLabel) return ''
    if (draw < DIRT.nullLabel + DIRT.oddSpelling) return label.odd[this.#random.below(label.odd.length)] ?? label.name
    return label.name
  }

  #refundOf(booking: Booking): Booking {
    const day = Math.min(HISTORY_DAYS - 1, booking.day + 1 + this.#random.below(10))
    return { ...booking, day, second: this.#random.below(86_400), cents: -booking.cents }
  }
}

/** The days of the history by number, and some after it. */
class Calendar {
  readonly #dates: string[] = []
  readonly #season: number[] = []
  readonly #weekend: boolean[] = []

  constructor(until: string) {
    const start = Date.parse(`${until}T00:00:00Z`) - HISTORY_DAYS * DAY_MS
    for (let day = 0; day < HISTORY_DAYS + 365; day++) {
      const date = new Date(start + day * DAY_MS)
      this.#dates.push(date.toISOString().slice(0, 10))
      this.#season.push(SEASON[date.getUTCMonth()] ?? 1)
      this.#weekend.push(date.getUTCDay() % 6 === 0)
    }
  }

  /** The share of possible bookings that happen on a day, 0 to 1, for somebody with that liking for weekends. */
  demand(day: number, weekend: number): number {
    const weight = this.#weekend[day] ? Math.min(1, weekend) : Math.min(1, 1 / weekend)
    return (this.#season[day] ?? 0) * weight
  }

  format(day: number, second: number): string {
    const hour = Math.floor(second / 3600)
    const minute = Math.floor(second / 60) % 60
    return `${this.#dates[day]} ${TWO_DIGITS[hour]}:${TWO_DIGITS[minute]}:${TWO_DIGITS[second % 60]}`
  }
}

/** Demand, averaged over days and people, is about one in two: so many more possible bookings are drawn. */
const THINNING = 1.75

/** Powers of the inverse of the root of x^4 = x + 1. */
const SPREAD_STEPS = [0.8191725133961645, 0.6710436067037893, 0.5497004779019703]

/** The sfc32 generator (Chris Doty-Humphrey, PractRand), with the draws that a market needs. */
class Random {
  #a = 0
  #b = 0
  #c = 0
  #counter = 1
  readonly #offsets: readonly number[]

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    for (let warmUp = 0; warmUp < 16; warmUp++) this.next()
    this.#offsets = SPREAD_STEPS.map(() => this.next())
  }

  /** The member `number` of an even sequence in [0, 1) (the R3 sequence of M. Roberts), one of three dimensions. */
  spread(number: number, dimension: 0 | 1 | 2): number {
    return ((this.#offsets[dimension] ?? 0) + number * (SPREAD_STEPS[dimension] ?? 0)) % 1
  }

  /** Uniform in [0, 1). */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return (sum >>> 0) / 4_294_967_296
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next())
  }

  /** Time to the next event at that rate; steadier than a Poisson process (a gamma distribution of shape 2). */
  gap(rate: number): number {
    return -Math.log((1 - this.next()) * (1 - this.next())) / (2 * rate)
  }

  /** Normal with mean 0 and deviation 1 (Box-Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next())
  }

  /** An index, each as likely as its share; `ends` are the running sums of the shares. */
  pick(ends: readonly number[]): number {
    const draw = this.next() * (ends[ends.length - 1] ?? 0)
    let index = 0
    while (index < ends.length - 1 && draw >= (ends[index] ?? 0)) index++
    return index
  }
}

const CATEGORY_SHARES = runningSums(CATEGORIES.map((category) => category.share))
const PAYMENT_SHARES = runningSums(PAYMENTS.map((payment) => payment.share))
const HOUR_SHARES = runningSums(HOURS)
const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => padded(value, 2))

function runningSums(shares: readonly number[]): number[] {
  let sum = 0
  return shares.map((share) => {
    sum += share
    return sum
  })
}

function between(low: number, high: number, share: number): number {
  return low + (high - low) * share
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}

function money(cents: number): string {
  const whole = Math.abs(cents)
  return `${cents < 0 ? '-' : ''}${Math.floor(whole / 100)}.${padded(whole % 100, 2)}`
}
