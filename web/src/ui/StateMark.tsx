import {
  Ban,
  Check,
  CircleDashed,
  CircleHelp,
  Loader,
  type LucideIcon,
  Moon,
  OctagonX,
  Pause,
  Play,
  Power,
  TriangleAlert,
  Undo2,
  Wrench,
} from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { TextKey } from '@/i18n'

type Tone = 'good' | 'warning' | 'bad' | 'info' | 'quiet'

/** A glyph for every state of every noun: colour alone tells nothing to many people. */
const MARKS: Record<string, [Tone, LucideIcon]> = {
  running: ['good', Play],
  up: ['good', Check],
  ready: ['good', Check],
  succeeded: ['good', Check],
  done: ['good', Check],
  stopped: ['quiet', Power],
  paused: ['warning', Pause],
  suspended: ['info', Moon],
  crashed: ['bad', OctagonX],
  unknown: ['warning', CircleHelp],
  unreachable: ['bad', CircleHelp],
  maintenance: ['warning', Wrench],
  enrolling: ['info', CircleDashed],
  creating: ['info', Loader],
  uploading: ['info', Loader],
  deleting: ['info', Loader],
  queued: ['quiet', CircleDashed],
  executing: ['info', Loader],
  undoing: ['warning', Undo2],
  undone: ['warning', Undo2],
  failed: ['bad', TriangleAlert],
  refused: ['bad', Ban],
  cancelled: ['quiet', Ban],
}

/** The state of a thing, as glyph and word. A running task is `executing`, since a running VM is something else. */
export function StateMark({ state, word = true }: { state: string; word?: boolean }) {
  const { t } = useTranslation()
  const [tone, Icon] = MARKS[state] ?? ['quiet', CircleHelp]
  const text = t(`state.${state}` as TextKey)
  return (
    <span className={`state state-${tone}`} title={text}>
      <Icon size={14} aria-hidden className={Icon === Loader ? 'turning' : undefined} />
      {word ? <span>{text}</span> : <span className="unseen">{text}</span>}
    </span>
  )
}

export const toneOf = (state: string): Tone => MARKS[state]?.[0] ?? 'quiet'
