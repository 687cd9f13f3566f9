import {
  ArrowRightLeft,
  Copy,
  Moon,
  Pause,
  Pencil,
  Play,
  Power,
  PowerOff,
  RotateCw,
  Trash2,
  Wrench,
} from 'lucide-react'
import {
  cloneVm,
  deleteVm,
  killVm,
  pauseVm,
  repairVm,
  restartVm,
  resumeVm,
  startVm,
  stopVm,
  suspendVm,
  type VmView,
} from '@/api/generated'

/** Actions that need no further answers; their names are the API's. */
export const SIMPLE = {
  start: { icon: Play, ask: (ref: string) => startVm({ path: { ref } }) },
  stop: { icon: Power, ask: (ref: string) => stopVm({ path: { ref }, body: {} }) },
  restart: { icon: RotateCw, ask: (ref: string) => restartVm({ path: { ref }, body: {} }) },
  pause: { icon: Pause, ask: (ref: string) => pauseVm({ path: { ref } }) },
  resume: { icon: Play, ask: (ref: string) => resumeVm({ path: { ref } }) },
  suspend: { icon: Moon, ask: (ref: string) => suspendVm({ path: { ref } }) },
  kill: { icon: PowerOff, ask: (ref: string) => killVm({ path: { ref } }) },
  repair: { icon: Wrench, ask: (ref: string) => repairVm({ path: { ref } }) },
} as const
export type SimpleAction = keyof typeof SIMPLE

/** Actions that open a dialog. */
export const DIALOGS = { edit: Pencil, migrate: ArrowRightLeft, clone: Copy, delete: Trash2 } as const
export type DialogAction = keyof typeof DIALOGS

export const removeVm = (ref: string, options: { keep_volumes: boolean; force: boolean }, plan = false) =>
  deleteVm({ path: { ref }, query: { ...options, plan } })

export const copyVm = (ref: string, name: string, linked: boolean) => cloneVm({ path: { ref }, body: { name, linked } })

export const verdict = (vm: VmView, action: string) => vm.allowed_actions[action]
