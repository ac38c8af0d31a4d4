const PLACES = (
  'Alder Valley, Harbour, Northlight, Juniper, Stonebridge, Meadow, Copperfield, Lakeshore, ' +
  'Birchwood, Summit, Riverside, Saltmarsh, Fernhill, Kingfisher, Oakmere, Windmill'
).split(', ')
const TRADES = (
  'Clinics, Fish Market, Pharmacies, Bakery Group, Blood Bank, ' + 'Dairy, Kitchens, Logistics, Vaccine Trust, Hospital'
).split(', ')
const SITES = (
  'Central, North Gate, Old Town, Airport, West Quay, ' +
  'Station Road, Hillside, Market Hall, South Park, Canal Street'
).split(', ')
const FIRST_NAMES = 'Amira, Jonas, Lucia, Tomasz, Ingrid, Kofi, Mei, Pablo, Sanne, Yusuf'.split(', ')
const LAST_NAMES = 'Berg, Okafor, Lindqvist, Moreau, Tanaka, Novak, Silva, Haddad, Keller, Doyle'.split(', ')

export interface UnitKind {
  readonly kind: 'fridge' | 'cold-room' | 'freezer' | 'ultra-low'
  readonly name: string
  readonly minimumCelsius: number
  readonly maximumCelsius: number
  readonly criticalMargin: number
}

/** Ten units in this order make a site that looks like one: mostly fridges, some freezers, one deep cold. */
const UNIT_KINDS: readonly UnitKind[] = [
  { kind: 'fridge', name: 'Vaccine fridge', minimumCelsius: 2, maximumCelsius: 8, criticalMargin: 2 },
  { kind: 'fridge', name: 'Lab fridge', minimumCelsius: 2, maximumCelsius: 8, criticalMargin: 2 },
  { kind: 'freezer', name: 'Chest freezer', minimumCelsius: -25, maximumCelsius: -15, criticalMargin: 4 },
  { kind: 'cold-room', name: 'Cold room', minimumCelsius: 0, maximumCelsius: 5, criticalMargin: 2 },
  { kind: 'fridge', name: 'Counter fridge', minimumCelsius: 2, maximumCelsius: 8, criticalMargin: 2 },
  { kind: 'freezer', name: 'Walk-in freezer', minimumCelsius: -25, maximumCelsius: -15, criticalMargin: 4 },
  { kind: 'fridge', name: 'Display fridge', minimumCelsius: 2, maximumCelsius: 8, criticalMargin: 2 },
  { kind: 'cold-room', name: 'Loading bay', minimumCelsius: 0, maximumCelsius: 5, criticalMargin: 2 },
  { kind: 'fridge', name: 'Insulin fridge', minimumCelsius: 2, maximumCelsius: 8, criticalMargin: 2 },
  { kind: 'ultra-low', name: 'Ultra-low', minimumCelsius: -86, maximumCelsius: -70, criticalMargin: 5 },
]

/** 160 readable names; after those a number is added. */
export function organisationName(index: number): string {
  const place = PLACES[index % PLACES.length]!
  const round = Math.floor(index / PLACES.length)
  const trade = TRADES[(index + 3 * round) % TRADES.length]!
  const repeat = Math.floor(round / TRADES.length)
  return repeat === 0 ? `${place} ${trade}` : `${place} ${trade} ${repeat + 1}`
}

export function siteName(index: number): string {
  const round = Math.floor(index / SITES.length)
  return round === 0 ? SITES[index]! : `${SITES[index % SITES.length]} ${round + 1}`
}

export function unitKind(index: number): UnitKind {
  return UNIT_KINDS[index % UNIT_KINDS.length]!
}

export function memberName(index: number): string {
  return `${FIRST_NAMES[index % FIRST_NAMES.length]} ${LAST_NAMES[Math.floor(index / FIRST_NAMES.length + 3 * index) % LAST_NAMES.length]}`
}
