import { Alerts } from './alerts.js'
import { Api } from './api.js'
import { Board } from './board.js'
import { setText } from './dom.js'
import { EventLog } from './event-log.js'
import { Figures } from './figures.js'
import { celsius, count, time } from './format.js'
import { Instances } from './instances.js'
import { Live } from './live.js'
import { Questions } from './questions.js'
import { STATES, stateText } from './states.js'
import { Strip } from './strip.js'
import { TrendChart } from './trend-chart.js'

const SLOW_REFRESH_MS = 30_000
const byId = (id) => document.getElementById(id)

const api = new Api()
const figures = new Figures(byId('figures'))
const log = new EventLog(byId('events'))
const strip = new Strip(byId('strip'))
const instances = new Instances(byId('instances'))
const board = new Board(byId('board'), { choose: chooseUnit })
const chart = new TrendChart(byId('trend'), { openDoor, back: () => chooseUnit(undefined) })
const alerts = new Alerts(byId('alerts'), { act: actOnAlert, siteOf: (unitId) => board.get(unitId)?.siteName })
const questions = new Questions({ api, answered: show, failed: (_, error) => notify(error) })
let chosenUnit

const live = new Live({
  connection: showConnection,
  unitUpdate: heard((message) => {
    board.changeState(message)
    const { unit, version } = message
    log.add('unitUpdate', `${unit.name} ${stateText(unit.state)}`, STATES[unit.state].tone, version)
    questions.ask('unit-status', version)
    questions.ask('stats', version)
    if (unit.id === chosenUnit) questions.ask(`units/${unit.id}/trend`)
  }),
  deviceStatusChange: heard(({ online, version }) => {
    log.add('deviceStatusChange', online ? '✔ online again' : '○ silent', online ? 'good' : 'quiet', version)
    questions.ask('devices', version)
  }),
  alertCreated: heard((message) => alertChanged('alertCreated', message)),
  alertUpdated: heard((message) => alertChanged('alertUpdated', message)),
  alertResolved: heard((message) => alertChanged('alertResolved', message)),
  sensorReadings: ({ readings }) => board.changeTemperatures(readings),
  cacheMetrics: (metrics) => {
    strip.show(metrics)
    byId('console').hidden = !metrics.enabled
    instances.hasSocket(metrics.instance)
  },
})

/** Events bring a receipt: what is asked from now on is at least as new as they are. */
function heard(handle) {
  return (message) => {
    api.remember(message.receipt)
    handle(message)
  }
}

function alertChanged(name, { alert, version }) {
  const temperature = alert.celsius === null ? '' : ` ${celsius(alert.celsius)}`
  const tone = name === 'alertResolved' ? 'good' : alert.severity === 'critical' ? 'broken' : 'look'
  const sign = name === 'alertResolved' ? '✔' : alert.severity === 'critical' ? '✖' : '▲'
  log.add(name, `${sign} ${alert.unitName}${temperature}`, tone, version)
  questions.ask('alerts', version)
  questions.ask('alerts/open', version)
  questions.ask('stats', version)
}

function show(path, answer) {
  instances.answered(answer.instance)
  if (path === 'units') board.show(answer.body.sites)
  else if (path === 'alerts/open') alerts.show(answer)
  else if (path === 'trends') chosenUnit ?? chart.showOrganisation(answer)
  else if (path === `units/${chosenUnit}/trend`) chart.showUnit(answer, board.get(chosenUnit) ?? { name: '' })
  else if (!path.startsWith('units/')) figures.show(path, answer)
  if (path === 'stats') showWorst(answer.body)
  const { checked, older } = questions
  setText(
    byId('freshness'),
    checked === 0
      ? ''
      : `${older === 0 ? '✔' : '✖'} ${count(older)} of ${count(checked)} answers older than their event`,
  )
  byId('freshness').className = `freshness ${older === 0 ? '' : 'broken'}`
}

function showWorst({ worstState: state, unitCounts }) {
  const node = byId('worst')
  node.className = `worst ${STATES[state].tone}`
  setText(
    node,
    state === 'normal'
      ? '✔ ALL IN RANGE'
      : `${stateText(state)}: ${unitCounts[state]} ${unitCounts[state] === 1 ? 'unit' : 'units'}`,
  )
}

function showConnection(state) {
  const node = byId('connection')
  const [text, tone] = {
    live: ['● LIVE', 'good'],
    lost: ['▲ RECONNECTING', 'look'],
    refused: ['✖ SIGN IN AGAIN', 'broken'],
  }[state]
  node.className = `connection ${tone}`
  setText(node, text)
  // What happened while the line was down was missed: ask for everything once.
  if (state === 'live') askAll()
  if (state === 'refused') void open(byId('organisation').value)
}

function askAll() {
  for (const path of ['units', 'unit-status', 'alerts', 'alerts/open', 'compliance', 'devices', 'stats'])
    questions.ask(path)
  askTrend()
}

function askTrend() {
  questions.ask(chosenUnit === undefined ? 'trends' : `units/${chosenUnit}/trend`)
}

function chooseUnit(unitId) {
  chosenUnit = unitId === chosenUnit ? undefined : unitId
  board.choose(chosenUnit)
  askTrend()
}

async function openDoor() {
  await api.post(`units/${chosenUnit}/open-door`).catch(notify)
}

async function actOnAlert(alertId, action) {
  await api.post(`alerts/${alertId}/${action}`).catch((error) => error.status !== 409 && notify(error))
  questions.ask('alerts/open')
}

let hideNotice
function notify(error) {
  const node = byId('notice')
  setText(node, `✖ ${error.message}`)
  node.hidden = false
  clearTimeout(hideNotice)
  hideNotice = setTimeout(() => {
    node.hidden = true
  }, 6_000)
}

async function open(organisationId) {
  chosenUnit = undefined
  board.choose(undefined)
  questions.reset()
  log.clear()
  localStorage.setItem('organisation', organisationId)
  live.open(await api.signIn(organisationId))
}

async function start() {
  const select = byId('organisation')
  const organisations = await Api.organisations()
  for (const { id, name } of organisations) select.add(new Option(name, id))
  const last = localStorage.getItem('organisation')
  if (organisations.some(({ id }) => id === last)) select.value = last
  select.addEventListener('change', () => open(select.value).catch(notify))
  await open(select.value)
}

setInterval(() => {
  setText(byId('clock'), time(new Date()))
  alerts.tick()
}, 1_000)
setInterval(() => {
  questions.ask('compliance')
  askTrend()
}, SLOW_REFRESH_MS)
start().catch(notify)
