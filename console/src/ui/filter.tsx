import type { Signal } from '@preact/signals'

/** The filter of a view; `/` goes there. */
export function Filter({ text, what }: { text: Signal<string>; what: string }) {
  return (
    <label class="filter">
      <span class="quiet">filter</span>
      <input
        id="filter"
        type="search"
        autocomplete="off"
        spellcheck={false}
        placeholder={what}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value
        }}
      />
      <kbd>/</kbd>
    </label>
  )
}

/** Every word stands somewhere in it. */
export function matches(values: readonly unknown[], filter: string): boolean {
  if (filter === '') return true
  const text = values.join(' ').toLowerCase()
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}
