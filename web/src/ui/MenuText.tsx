/** The words of an entry in a menu; one that is grey says why. */
export function MenuText({ text, reason }: { text: string; reason?: string | undefined }) {
  return (
    <span className="menu-text">
      {text}
      {reason && <small>{reason}</small>}
    </span>
  )
}
