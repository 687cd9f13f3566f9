import { describe, expect, it } from 'vitest'
import { NO_LIMITS } from './diskLimits'
import { FIRST_DRAFT, missing, vmCreateOf, withNic } from './draft'
import { FIRST_NIC } from './nics'

describe('a draft of a VM', () => {
  it('from an image brings its cloud-init and no other disk', () => {
    const body = vmCreateOf({
      ...FIRST_DRAFT,
      name: 'web1',
      image: 'i1',
      nics: [{ ...FIRST_NIC, key: 1, network: 'n1', groups: ['g1'] }],
      sshKeys: 'ssh-ed25519 A\n\n ssh-rsa B ',
    })
    expect(body).toMatchObject({
      name: 'web1',
      image: 'i1',
      linked: true,
      nics: [{ network: 'n1', model: 'virtio', security_groups: ['g1'] }],
      cloud_init: { ssh_keys: ['ssh-ed25519 A', 'ssh-rsa B'] },
    })
    expect(body).not.toHaveProperty('disks')
    expect(body).not.toHaveProperty('cdrom')
  })

  it('with an installation medium has a disk of its own and no cloud-init', () => {
    const body = vmCreateOf({
      ...FIRST_DRAFT,
      name: 'web1',
      source: 'cdrom',
      cdrom: 'c1',
      diskSize: 1024 ** 3,
      image: 'left over',
    })
    expect(body).toMatchObject({ cdrom: 'c1', disks: [{ size: 1024 ** 3 }] })
    expect(body).not.toHaveProperty('image')
    expect(body).not.toHaveProperty('cloud_init')
  })

  it('limits its first disk, whatever that is made from', () => {
    const limits = { ...NO_LIMITS, total_iops: { rate: '500', burst: '', seconds: null } }
    const asked = { total_iops: { rate: 500, burst: 0, seconds: 0 } }
    const draft = { ...FIRST_DRAFT, name: 'web1', limits, diskSize: 1024 ** 3 }
    expect(vmCreateOf({ ...draft, image: 'i1' })).toMatchObject({ disk_limits: asked })
    expect(vmCreateOf({ ...draft, source: 'empty' })).toMatchObject({ disks: [{ limits: asked }] })
    const wrong = { ...NO_LIMITS, total_iops: { rate: 'many', burst: '', seconds: null } }
    expect(missing({ ...draft, source: 'empty', limits: wrong })).toBe('disk.unreadable')
  })

  it('tells its NICs from each other while they come and go', () => {
    const [first, second] = withNic(withNic([]))
    expect(withNic(second ? [second] : []).map(nic => nic.key)).toEqual([second?.key, 3])
    expect(first?.key).not.toBe(second?.key)
  })

  it('says what is missing', () => {
    expect(missing(FIRST_DRAFT)).toBe('wizard.no_name')
    expect(missing({ ...FIRST_DRAFT, name: 'web1' })).toBe('wizard.no_image')
    expect(missing({ ...FIRST_DRAFT, name: 'web1', source: 'cdrom' })).toBe('wizard.no_cdrom')
    expect(missing({ ...FIRST_DRAFT, name: 'web1', source: 'empty', memory: undefined })).toBe('form.size')
    expect(missing({ ...FIRST_DRAFT, name: 'web1', source: 'empty', nics: withNic([]) })).toBe('wizard.no_network')
    expect(missing({ ...FIRST_DRAFT, name: 'web1', source: 'empty' })).toBeUndefined()
  })
})
