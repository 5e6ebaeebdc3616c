import { expect, test } from 'vitest'
import { callingCodeOf, callingCodes } from './countries'
import { templateFor, variablesOf } from './template'
import { filledLines, partLines } from './typed'
import { type Import, sumsOf } from './useList'
import { clipped, partsOf, wrongParts } from './wrongPart'

const marked = (parts: { text: string; wrong: boolean }[]) => parts.map((p) => (p.wrong ? `[${p.text}]` : p.text)).join('')

test.each([
  ['invalid_number', '+1 212 555 O123', '+1 212 555 [O]123'],
  ['invalid_number', '+1 212 555-0123 ext. 5', '+1 212 555-0123 [ext]. 5'],
  ['invalid_number', '+1212+5550123', '+1212[+]5550123'],
  ['invalid_number', '12125550123456789', '121255501234567[89]'],
  ['invalid_number', '12', '[12]'],
  ['invalid_number', '', ''],
  ['no_country_code', '07700 900123', '[0]7700 900123'],
  ['no_country_code', '2125550123', '[2125550123]'],
  ['bad_text', 'Jos\ufffd A', 'Jos[\ufffd] A'],
  ['bad_text', 'a\u0007b', 'a[\u2407]b'],
  ['bad_quoting', '"Ann,1', '["]Ann,1'],
  ['unknown_zone', 'Mars/Base', '[Mars/Base]'],
])('what is wrong in %s %s', (code, value, want) => {
  expect(marked(wrongParts(code, value))).toBe(want)
})

test('cells that are too many, and rows that cannot be split', () => {
  expect(marked(partsOf({ code: 'too_many_columns', at: 2, cells: ['1', 'a', 'b', 'c'], raw: '1,a,b,c' }))).toBe('1 | a | [b | c]')
  expect(marked(partsOf({ code: 'bad_quoting', at: -1, cells: [], raw: '1,"a' }))).toBe('1,["]a')
  expect(marked(partsOf({ code: 'too_long', at: -1, cells: ['+1', 'long text'], raw: '+1,long text' }))).toBe('[long text]')
  expect(marked(partsOf({ code: 'missing_variable', at: 1, cells: ['1', ''], raw: '1,' }))).toBe('')
})

test('a long value is cut, marks and all', () => {
  const parts = wrongParts('invalid_number', '1234567abcdefg89')
  expect(marked(clipped(parts, 10))).toBe('1234567[abc…]')
  expect(clipped(parts, 16)).toEqual(parts)
})

test('a template has the columns of the text', () => {
  expect(variablesOf('Hi {{name}}, {{ due date }} and {{name}} {{}} {{a|b}}')).toEqual(['name', 'due date'])
  expect(templateFor('Hi {{name}}')).toBe('\ufeffphone,name\r\n')
  expect(templateFor('Hi')).toBe('\ufeffphone,message\r\n')
})

test('calling codes are chosen or typed', () => {
  expect(callingCodes('en')).toContain('+44 United Kingdom')
  expect(callingCodes('de')).toContain('+49 Deutschland')
  expect(['+44 United Kingdom', '49', ' +1', '0044', 'x', '12345'].map(callingCodeOf)).toEqual(['44', '49', '1', '', '', ''])
})

test('right lines leave, wrong ones stay', () => {
  expect(filledLines('a\n\n b\r\n')).toBe(2)
  expect(partLines('a\n\nb\nc', [1, 4])).toEqual({ chosen: 'a\nc', rest: 'b' })
})

test('sums count what is in the list, the worst row among it', () => {
  const im = (o: Partial<Import>): Import => ({
    id: 'imp_1',
    state: 'done',
    source: 'csv',
    header: [],
    variables: [],
    rows: 0,
    valid: 0,
    rejected: 0,
    duplicates: 0,
    opted_out: 0,
    segments: 0,
    created_at: '2026-03-01T12:00:00Z',
    ...o,
  })
  const sums = sumsOf([
    im({ state: 'failed', rows: 99 }),
    im({ rows: 10, valid: 8, rejected: 2, duplicates: 1, opted_out: 1, worst_row: 4, worst_segments: 2 }),
    im({ rows: 5, valid: 5, worst_row: 3, worst_segments: 3 }),
  ])
  expect(sums).toMatchObject({ rows: 15, valid: 13, rejected: 2, duplicates: 1, optedOut: 1, files: 2, worst: { row: 3, segments: 3 } })
  expect(sumsOf([]).worst).toBeUndefined()
})
