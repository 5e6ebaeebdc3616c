/** Puts the focus on the input that carries data-field, as soon as its step is there. */
export function focusField(field: string): void {
  let tries = 0
  const look = () => {
    const place = document.querySelector<HTMLElement>(`[data-field="${CSS.escape(field)}"]`)
    if (!place) {
      if (++tries > 40) stop()
      return
    }
    stop()
    const input = place.matches('input, textarea, button, [tabindex]')
      ? place
      : place.querySelector<HTMLElement>('input:not([disabled]):not([type="hidden"]), textarea, button, [tabindex]')
    const target = input ?? place
    target.focus({ preventScroll: true })
    target.scrollIntoView({ block: 'center' })
  }
  const timer = setInterval(look, 50)
  const stop = () => clearInterval(timer)
}
