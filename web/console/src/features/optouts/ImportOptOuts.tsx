import { Alert, List, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { count } from '@/lib/format'
import { FileDrop } from '@/ui/FileDrop'
import { Trouble } from '@/ui/Trouble'
import { BrandSelect } from './BrandSelect'
import { useFreshOptOuts } from './OptOutTable'

type Done = Schemas['OptOutImport']

/** A list of stops from another system. Sending the same file twice does no harm. */
export function ImportOptOuts({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation(['optouts', 'frame'])
  const fresh = useFreshOptOuts()
  const [brand, setBrand] = useState('')
  const [evidence, setEvidence] = useState('')
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState<Done>()
  const [error, setError] = useState<unknown>()
  const send = async (file: Blob) => {
    setBusy(true)
    setError(undefined)
    setDone(undefined)
    try {
      const { data } = await api.POST('/v1/opt-outs/csv', {
        params: { query: { brand: brand || undefined, evidence: evidence || undefined } },
        body: file as never,
        bodySerializer: (body) => body as never,
        headers: { 'Content-Type': 'text/csv' },
      })
      setDone(data)
      await fresh()
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('import.title')}
      size="lg"
      closeButtonProps={{ 'aria-label': t('frame:action.close') }}
    >
      <Stack>
        <BrandSelect value={brand} onChange={setBrand} />
        <TextInput
          label={t('import.evidence')}
          description={t('import.evidenceHint')}
          value={evidence}
          onChange={(e) => setEvidence(e.currentTarget.value)}
          maxLength={1000}
        />
        <FileDrop
          label={t('import.drop')}
          hint={t('import.hint')}
          accept=".csv,.txt,text/csv,text/plain"
          disabled={busy}
          onFile={(file) => void send(file)}
          onText={(text) => void send(new Blob([text]))}
        />
        <div role="status">
          {busy && <Text>{t('import.busy')}</Text>}
          {done && (
            <Alert color={done.rejected ? 'orange' : 'teal'} variant="outline" title={t('import.done', { n: count(done.rows) })}>
              <Text size="sm">
                {t('import.sums', { recorded: count(done.recorded), known: count(done.known), rejected: count(done.rejected) })}
              </Text>
              {done.problems.length > 0 && (
                <List size="sm" mt="xs">
                  {done.problems.map((p) => (
                    <List.Item key={p.line}>{t('import.line', { line: count(p.line), reason: p.reason })}</List.Item>
                  ))}
                </List>
              )}
            </Alert>
          )}
        </div>
        {Boolean(error) && <Trouble error={error} />}
      </Stack>
    </Modal>
  )
}
