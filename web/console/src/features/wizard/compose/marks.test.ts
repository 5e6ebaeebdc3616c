import { expect, test } from 'vitest'
import { around, cutVariables, insert } from './marks'

test('variables without a value are cut out and marked', () => {
  expect(cutVariables('Hi {{name}}, {{ amount }}', ['amount'])).toEqual([
    { text: 'Hi ', variable: false, missing: false },
    { text: '{{name}}', variable: true, missing: false },
    { text: ', ', variable: false, missing: false },
    { text: '{{ amount }}', variable: true, missing: true },
  ])
  expect(cutVariables('no {{end', [])).toEqual([{ text: 'no {{end', variable: false, missing: false }])
})

test('the character is found behind an emoji, which is one character and two units', () => {
  expect(around('😀 it’s', 4)).toEqual({ before: '😀 it', character: '’', after: 's' })
  expect(around(`${'a'.repeat(30)}’${'b'.repeat(30)}`, 30)).toEqual({
    before: `…${'a'.repeat(14)}`,
    character: '’',
    after: `${'b'.repeat(14)}…`,
  })
})

test('a variable goes where the cursor is', () => {
  expect(insert('Hi !', '{{name}}', 3, 3)).toEqual({ text: 'Hi {{name}}!', cursor: 11 })
  expect(insert('Hi you!', '{{name}}', 3, 6)).toEqual({ text: 'Hi {{name}}!', cursor: 11 })
})
