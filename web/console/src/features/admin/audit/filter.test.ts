import { expect, test } from 'vitest'
import { AuditSearch, auditFile, auditQuery } from './filter'

test('the last day counts whole', () => {
  const q = auditQuery({ from: '2026-02-28', to: '2026-02-28' } as never)
  expect(new Date(q.until ?? 0).getTime() - new Date(q.from ?? 0).getTime()).toBe(86_400_000)
})

test('what is not a day is no filter', () => {
  expect(AuditSearch.parse({ from: 'yesterday', action: 'sender.' })).toEqual({ action: 'sender.', from: undefined })
})

test('the download has the filters of the list, and none that are empty', () => {
  expect(auditFile({ action: 'sender.', actor: '' } as never)).toBe('/v1/audit.csv?action=sender.')
  expect(auditFile({} as never)).toBe('/v1/audit.csv')
})
