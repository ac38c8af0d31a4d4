import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { clock } from './format.ts'

export interface Series {
  readonly label: string
  /** Name of a colour token. */
  readonly colour: '--good' | '--look' | '--broken' | '--line-blue'
  readonly values: readonly (number | null)[]
}

const SPAN_SECONDS = 600
/** In pixels. */
const HALF_A_LABEL = 22

/** Lines over the last ten minutes. The head tells the last value, or that under the pointer. */
export function Chart({
  title,
  times,
  series,
  format,
  height = 150,
  top,
}: {
  title: string
  /** Seconds since the Unix epoch. */
  times: readonly number[]
  series: readonly Series[]
  format: (value: number) => string
  height?: number
  /** The scale's end, where it has one: 1 for shares. */
  top?: number
}) {
  const target = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const pointed = useSignal<number | undefined>(undefined)
  useEffect(() => {
    const root = target.current!
    const made = new uPlot(optionsOf({ width: root.clientWidth, height, series, format, top }), [[]], root)
    made.hooks.setCursor = [
      ({ cursor: { idx } }) => {
        pointed.value = idx ?? undefined
      },
    ]
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: root.clientWidth, height }))
    resized.observe(root)
    return () => {
      resized.disconnect()
      made.destroy()
    }
  }, [])
  useEffect(() => {
    plot.current?.setData([[...times], ...series.map(({ values }) => [...values])])
  }, [times, series])
  const at = pointed.value !== undefined && pointed.value < times.length ? pointed.value : times.length - 1
  const told = series.map(({ label, values }) => {
    const value = values[at]
    return `${label} ${value === undefined || value === null ? '–' : format(value)}`
  })
  return (
    <figure class="chart" data-chart={title}>
      <figcaption class="panel-head">
        <h2>{title}</h2>
        <div class="chart-told">
          {series.map(({ label, colour }, index) => (
            <span key={label}>
              <i class={`key ${colour.slice(2)}`} aria-hidden="true" /> {told[index]}
            </span>
          ))}
          <time class="quiet">
            {pointed.value === undefined || times[at] === undefined ? 'now' : clock(times[at] * 1_000)}
          </time>
        </div>
      </figcaption>
      <div
        ref={target}
        class="chart-canvas"
        role="img"
        aria-label={`${title}, last ten minutes. Now: ${told.join(', ')}`}
      />
    </figure>
  )
}

function optionsOf({
  width,
  height,
  series,
  format,
  top,
}: {
  width: number
  height: number
  series: readonly Series[]
  format: (value: number) => string
  top: number | undefined
}): uPlot.Options {
  const styles = getComputedStyle(document.documentElement)
  const token = (name: string): string => styles.getPropertyValue(name).trim()
  const quiet = {
    stroke: token('--text-faint'),
    grid: { stroke: token('--line'), width: 1 },
    ticks: { show: false },
    font: `11px ${token('--font')}`,
  }
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true, range: timeRange },
      y: { range: (_, __, highest) => [0, top ?? Math.max(highest ?? 0, 1e-9) * 1.15] },
    },
    axes: [
      {
        ...quiet,
        size: 22,
        gap: 4,
        space: 90,
        values: (plot, ticks) => ticks.map((tick) => (hasRoom(plot, tick) ? timeOf(tick, ticks) : '')),
      },
      { ...quiet, size: 58, gap: 6, space: 26, values: (_, ticks) => ticks.map((tick) => format(tick)) },
    ],
    series: [
      {},
      ...series.map(({ label, colour }, index) => ({
        label,
        stroke: token(colour),
        width: 1.25,
        points: { show: false },
        ...(index === 0 && { fill: token(`${colour}-fill`) }),
      })),
    ],
  }
}

/** All there is of the last ten minutes, or a minute where there is less. */
function timeRange(_: uPlot, first: number | null, last: number | null): [number, number] {
  const end = last ?? Date.now() / 1_000
  return [Math.min(end - 60, Math.max(end - SPAN_SECONDS, first ?? end)), end]
}

/** A label at the very end would be cut off. */
function hasRoom(plot: uPlot, tick: number): boolean {
  return plot.valToPos(tick, 'x') < plot.over.clientWidth - HALF_A_LABEL
}

/** Seconds are told where a minute holds more than one tick. */
function timeOf(tick: number, ticks: readonly number[]): string {
  const isClose = ticks.length > 1 && ticks[1]! - ticks[0]! < 60
  return clock(tick * 1_000).slice(0, isClose ? 8 : 5)
}
