import type { VmCreate } from '@/api/generated'
import { type LimitsDraft, limitsOf, NO_LIMITS } from './diskLimits'
import { FIRST_NIC, type NewNic, nicCreateOf } from './nics'

/** `key` tells it from the others while they come and go. */
export interface DraftNic extends NewNic {
  key: number
}

/** With one more NIC. */
export const withNic = (nics: DraftNic[]): DraftNic[] => [
  ...nics,
  { ...FIRST_NIC, key: 1 + Math.max(0, ...nics.map(nic => nic.key)) },
]

/** What the wizard has been told so far. */
export interface Draft {
  name: string
  description: string
  project?: string
  tags: string[]
  source: 'image' | 'cdrom' | 'empty'
  image?: string
  cdrom?: string
  diskSize?: number
  linked: boolean
  limits: LimitsDraft
  vcpus: number
  memory: number | undefined
  firmware: 'bios' | 'uefi'
  nics: DraftNic[]
  sshKeys: string
  password: string
  userData: string
  start: boolean
}

const MIB = 1024 ** 2
export const FIRST_DRAFT: Draft = {
  name: '',
  description: '',
  tags: [],
  source: 'image',
  linked: true,
  limits: NO_LIMITS,
  vcpus: 1,
  memory: 512 * MIB,
  firmware: 'bios',
  nics: [],
  sshKeys: '',
  password: '',
  userData: '',
  start: true,
}

/** The request that a draft comes to. */
export function vmCreateOf(draft: Draft): VmCreate {
  const fromImage = draft.source === 'image'
  const limits = limitsOf(draft.limits) ?? {}
  const limited = Object.keys(limits).length > 0
  return {
    name: draft.name,
    ...(draft.description ? { description: draft.description } : {}),
    ...(draft.project ? { project: draft.project } : {}),
    tags: draft.tags,
    vcpus: draft.vcpus,
    memory: draft.memory ?? 512 * MIB,
    firmware: draft.firmware,
    ...(fromImage ? { image: draft.image ?? '', linked: draft.linked } : {}),
    ...(fromImage && draft.diskSize ? { disk_size: draft.diskSize } : {}),
    ...(fromImage && limited ? { disk_limits: limits } : {}),
    ...(!fromImage && draft.diskSize ? { disks: [{ size: draft.diskSize, ...(limited ? { limits } : {}) }] } : {}),
    ...(draft.source === 'cdrom' ? { cdrom: draft.cdrom ?? '' } : {}),
    nics: draft.nics.map(nicCreateOf),
    ...(fromImage ? { cloud_init: cloudInit(draft) } : {}),
    start: draft.start,
  }
}

function cloudInit(draft: Draft) {
  const keys = draft.sshKeys
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean)
  return { ssh_keys: keys, password: draft.password, user_data: draft.userData }
}

/** What is still missing before a plan can be made; the key of its words. */
export function missing(
  draft: Draft,
):
  | 'wizard.no_name'
  | 'wizard.no_image'
  | 'wizard.no_cdrom'
  | 'wizard.no_network'
  | 'form.size'
  | 'disk.unreadable'
  | undefined {
  if (!draft.name) return 'wizard.no_name'
  if (draft.source === 'image' && !draft.image) return 'wizard.no_image'
  if (draft.source === 'cdrom' && !draft.cdrom) return 'wizard.no_cdrom'
  if (draft.memory === undefined) return 'form.size'
  if (limitsOf(draft.limits) === undefined) return 'disk.unreadable'
  if (draft.nics.some(nic => !nic.network)) return 'wizard.no_network'
  return undefined
}
