// What tests of a cache need: a clock that stands still, randomness with a seed, a shared server in memory, an
// HTTP front for a local Redis, and the contract of the shared tier. May import core and memory; knows no test runner.

export { type SharedTwinOptions, sharedTier } from '../memory/shared-twin.js'
export {
  createTwinServer,
  type Deliver,
  type Delivery,
  type DeliveryPhase,
  type TwinCommand,
  type TwinServer,
  type TwinServerOptions,
} from '../memory/shared-twin-server.js'
export { type FakeClock, fakeClock } from './fake-clock.js'
export { type RestProxy, startRestProxy } from './rest-proxy/rest-proxy.js'
export type { RestProxyOptions } from './rest-proxy/rest-proxy-options.js'
export { type SeededRandom, seededRandom } from './seeded-random.js'
export {
  type SharedTierHarness,
  type SharedTierSuiteOptions,
  sharedTierSuite,
} from './shared-tier-suite.js'
