import { io } from '/socket.io/socket.io.esm.min.js'

/** The socket of one organisation. Events are handed on; a new organisation gets a new socket. */
export class Live {
  #socket
  #handlers

  constructor(handlers) {
    this.#handlers = handlers
  }

  /** `eventNames` are the server's: it may have been told other ones. */
  open({ token, eventNames }) {
    this.#socket?.disconnect()
    const socket = io({ auth: { token }, transports: ['websocket', 'polling'] })
    this.#socket = socket
    const { connection, ...events } = this.#handlers
    socket.on('connect', () => {
      socket.emit('watchCache')
      connection('live')
    })
    socket.on('disconnect', () => socket === this.#socket && connection('lost'))
    socket.on('connect_error', (error) => connection(error.message === 'UNAUTHORISED' ? 'refused' : 'lost'))
    for (const [name, handle] of Object.entries(events))
      socket.on(eventNames[name] ?? name, (message) => socket === this.#socket && handle(message))
  }
}
