/** What the server says over the socket. An event is a hint that something changed, never the thing itself. */
export type LiveEvent = { offset: number; topic: string; id?: string }
type Frame = { type: 'hello'; epoch: string; offset: number } | { type: 'resync' } | { type: 'beat' } | ({ type: 'event' } & LiveEvent)

export type LiveState = 'connecting' | 'open' | 'lost'

type Handlers = {
  state: (state: LiveState) => void
  event: (event: LiveEvent) => void
  /** Events were missed that the server no longer has: everything on the page may be old. */
  resync: () => void
}

const firstWait = 500
const longestWait = 15_000
/** The server sends something at least every 20 s; silence of this length means a dead connection. */
const silence = 45_000
/** Closed with this code, the session is over. */
const signedOutCode = 4401

/** One WebSocket per tab. It goes on where it stopped: the last epoch and offset are named at every reconnection. */
export class LiveSocket {
  private socket: WebSocket | undefined
  private epoch = ''
  private offset = 0
  private tries = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private quiet: ReturnType<typeof setTimeout> | undefined
  private closed = false
  /** The connection was lost since its last hello. */
  private lost = false

  constructor(
    private readonly url: string,
    private readonly on: Handlers,
    private readonly open: (url: string) => WebSocket = (u) => new WebSocket(u),
  ) {}

  start(): void {
    this.closed = false
    this.connect()
  }

  stop(): void {
    this.closed = true
    clearTimeout(this.timer)
    clearTimeout(this.quiet)
    this.socket?.close(1000)
  }

  /** Try at once, for example because the browser says that the network is back. */
  hurry(): void {
    if (this.closed || this.socket?.readyState === WebSocket.OPEN) return
    clearTimeout(this.timer)
    this.tries = 0
    this.connect()
  }

  private connect(): void {
    this.on.state(this.tries === 0 ? 'connecting' : 'lost')
    const from = this.epoch ? `?epoch=${encodeURIComponent(this.epoch)}&after=${this.offset}` : ''
    const socket = this.open(this.url + from)
    this.socket = socket
    socket.onmessage = (message) => this.take(JSON.parse(String(message.data)) as Frame)
    socket.onclose = (end) => {
      if (this.socket !== socket) return
      clearTimeout(this.quiet)
      if (this.closed || end.code === signedOutCode) return
      this.lost = true
      this.tries += 1
      this.on.state('lost')
      const wait = Math.min(longestWait, firstWait * 2 ** Math.min(this.tries, 6))
      this.timer = setTimeout(() => this.connect(), wait / 2 + Math.random() * (wait / 2))
    }
    this.listen()
  }

  private take(frame: Frame): void {
    this.listen()
    switch (frame.type) {
      case 'hello':
        // Without a place to go on from, nobody knows what was missed since the page was read.
        if (this.lost && !this.epoch) this.on.resync()
        this.lost = false
        if (this.epoch !== frame.epoch) this.offset = frame.offset
        this.epoch = frame.epoch
        this.tries = 0
        this.on.state('open')
        break
      case 'resync':
        this.on.resync()
        break
      case 'event':
        if (frame.offset <= this.offset) return
        this.offset = frame.offset
        this.on.event(frame)
    }
  }

  private listen(): void {
    clearTimeout(this.quiet)
    this.quiet = setTimeout(() => this.socket?.close(4000, 'silence'), silence)
  }
}
