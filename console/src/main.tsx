import 'uplot/dist/uPlot.min.css'
import './styles/tokens.css'
import './styles/layout.css'
import './styles/parts.css'
import './styles/views.css'
import { render } from 'preact'
import { App } from './app.tsx'
import { token } from './state/api.ts'
import { connect } from './state/store.ts'

/** `freshtier console` prints an address that brings a token along. It goes out of the address bar at once. */
const brought = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
if (brought !== undefined) {
  token.value = brought
  history.replaceState(null, '', '#/overview')
}

render(<App />, document.getElementById('root')!)
connect()
