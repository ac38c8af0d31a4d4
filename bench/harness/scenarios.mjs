import { readdirSync } from 'node:fs'

const folder = new URL('../scenarios/', import.meta.url)

/** Every file of `scenarios/` exports one `scenario`. Name -> scenario. */
export async function scenarios() {
  const names = readdirSync(folder).filter((name) => name.endsWith('.mjs'))
  const modules = await Promise.all(names.map((name) => import(new URL(name, folder).href)))
  return new Map(modules.map(({ scenario }) => [scenario.name, scenario]))
}
