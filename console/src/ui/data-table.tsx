import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { matches } from './filter.tsx'

export interface Column<Row> {
  readonly title: string
  /** What rows are sorted and filtered by. */
  readonly value: (row: Row) => string | number | undefined
  /** What is shown; default: the value. */
  readonly cell?: (row: Row) => ComponentChildren
  readonly isText?: boolean
  /** What the column is, where its title is too short to say so. */
  readonly hint?: string
}

interface Sorting {
  readonly column: string
  readonly isDescending: boolean
}

/** A table that sorts by each of its columns; without `sort` rows stay in the order in which they came. */
export function DataTable<Row>({
  name,
  rows,
  columns,
  keyOf,
  sort,
  filter,
  limit = 200,
  empty = 'nothing yet',
  chosen,
}: {
  name: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  keyOf: (row: Row) => string
  sort?: Sorting
  filter?: Signal<string>
  limit?: number
  empty?: string
  chosen?: string | undefined
}) {
  const sorting = useSignal<Sorting | undefined>(sort)
  const found = filter
    ? rows.filter((row) =>
        matches(
          columns.map(({ value }) => value(row)),
          filter.value,
        ),
      )
    : rows
  const shown = sorted(found, columns, sorting.value).slice(0, limit)
  const sortBy = (column: Column<Row>): void => {
    const isAgain = sorting.value?.column === column.title
    sorting.value = { column: column.title, isDescending: isAgain ? !sorting.value!.isDescending : !column.isText }
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="table-frame" tabIndex={0} aria-label={`${name}, table`}>
      <table data-table={name}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.title} column={column} sorting={sorting.value} sortBy={() => sortBy(column)} />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={keyOf(row)} data-row={keyOf(row)} aria-current={chosen === keyOf(row) ? true : undefined}>
              {columns.map(({ title, value, cell, isText }) => (
                <td key={title} class={isText ? 'text' : ''}>
                  {cell ? cell(row) : value(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length === 0 && <p class="empty">{rows.length === 0 ? empty : 'the filter matches none'}</p>}
      {found.length > shown.length && (
        <p class="empty">{found.length - shown.length} more are not shown; filter them.</p>
      )}
    </section>
  )
}

function Head<Row>({
  column: { title, isText, hint },
  sorting,
  sortBy,
}: {
  column: Column<Row>
  sorting: Sorting | undefined
  sortBy: () => void
}) {
  const isSorted = sorting?.column === title
  const direction = sorting?.isDescending ? 'descending' : 'ascending'
  return (
    <th class={isText ? 'text' : ''} aria-sort={isSorted ? direction : undefined} scope="col">
      <button type="button" class="sort" onClick={sortBy} title={hint ?? `Sort by ${title}`}>
        {title}
        <span aria-hidden="true">{isSorted ? (sorting.isDescending ? ' ▾' : ' ▴') : ''}</span>
      </button>
    </th>
  )
}

/** What has no value comes last, whichever way. */
function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sorting: Sorting | undefined,
): readonly Row[] {
  const column = columns.find(({ title }) => title === sorting?.column)
  if (column === undefined || sorting === undefined) return rows
  const sign = sorting.isDescending ? -1 : 1
  return [...rows].sort((left, right) => {
    const [a, b] = [column.value(left), column.value(right)]
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
    if (typeof a === 'number' && typeof b === 'number') return sign * (a - b)
    return sign * String(a).localeCompare(String(b), 'en', { numeric: true })
  })
}
