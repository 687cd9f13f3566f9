import { expect, it } from 'vitest'
import { keysFor, keysymOf, press, SPECIAL } from './keysyms'

it.each([
  ['a', 0x61],
  ['A', 0x41],
  ['é', 0xe9],
  ['\n', 0xff0d],
  ['€', 0x010020ac],
  ['中', 0x01004e2d],
])('%j', (character, keysym) => expect(keysymOf(character)).toBe(keysym))

it('what is written with Shift is typed with it', () => {
  expect(keysFor('a')).toEqual([0x61])
  expect(keysFor('A')).toEqual([0xffe1, 0x41])
  expect(keysFor('$')).toEqual([0xffe1, 0x24])
})

it('keys are let go in reverse', () => {
  const sent: [number, boolean][] = []
  press((keysym, down) => sent.push([keysym, down]), SPECIAL['Alt+Tab'])
  expect(sent).toEqual([
    [0xffe9, true],
    [0xff09, true],
    [0xff09, false],
    [0xffe9, false],
  ])
})
