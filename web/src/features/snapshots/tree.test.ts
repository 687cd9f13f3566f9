import { expect, it } from 'vitest'
import { rowsOf, type Stage } from './tree'

const stage = (id: string, parent: string | null = null, current = false): Stage => ({
  id,
  parent_id: parent,
  created_at: `2026-01-01T00:00:0${id.charCodeAt(0) - 97}Z`,
  current,
})
const drawn = (...stages: Stage[]) => rowsOf(stages).map(row => `${' '.repeat(row.lane)}${row.snapshot?.id ?? 'now'}`)

it('without snapshots there is only the VM as it is', () => {
  expect(rowsOf([])).toEqual([{ lane: 0, past: [], goesOn: false }])
})

it('a chain is one column, and the VM stands at its end', () => {
  expect(drawn(stage('a'), stage('b', 'a'), stage('c', 'b', true))).toEqual(['a', 'b', 'c', 'now'])
})

it('what leads to the present stays in the first column; a branch that was left stands beside it', () => {
  const stages = [stage('a'), stage('b', 'a'), stage('c', 'b'), stage('d', 'a', true)]
  expect(drawn(...stages)).toEqual(['a', ' b', ' c', 'd', 'now'])
  const left = rowsOf(stages)[1]
  expect(left).toMatchObject({ from: 0, past: [0], goesOn: true })
})

it('the VM stands in the middle of the tree after it went back', () => {
  expect(drawn(stage('a', null, true), stage('b', 'a'), stage('c', 'b'))).toEqual(['a', ' b', ' c', 'now'])
})

it('branches of branches have further columns', () => {
  const stages = [stage('a'), stage('b', 'a'), stage('c', 'b'), stage('d', 'b'), stage('e', 'a', true)]
  expect(drawn(...stages)).toEqual(['a', ' b', '  c', ' d', 'e', 'now'])
  expect(rowsOf(stages)[2]).toMatchObject({ from: 1, past: [0, 1] })
})

it('one whose parent is gone is a beginning of its own', () => {
  expect(rowsOf([stage('b', 'gone', true)])[0]).not.toHaveProperty('from')
})

it('every snapshot has one row, also where the tree is not one', () => {
  expect(drawn(stage('a'), stage('b'))).toEqual([' a', ' b', 'now'])
})
