declare module '@novnc/novnc' {
  /** What we use of noVNC's client. */
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, url: string, options?: { shared?: boolean })
    scaleViewport: boolean
    background: string
    disconnect(): void
    sendKey(keysym: number, code: string, down?: boolean): void
    focus(): void
    blur(): void
    addEventListener(type: 'connect' | 'disconnect', listener: () => void): void
    addEventListener(type: 'clipboard', listener: (event: CustomEvent<{ text: string }>) => void): void
  }
}
