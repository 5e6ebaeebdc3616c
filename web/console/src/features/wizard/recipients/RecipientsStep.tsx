import { Alert, Button, Group, Stack, Tabs } from '@mantine/core'
import { IconAlertTriangle, IconTrash } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { count } from '@/lib/format'
import { confirm } from '@/ui/confirm'
import { Trouble } from '@/ui/Trouble'
import { AddFile } from './AddFile'
import { LoadingPanel } from './LoadingPanel'
import { PreviewList } from './PreviewList'
import { Problems } from './Problems'
import { Summary } from './Summary'
import { TypeLines } from './TypeLines'
import { cancelUpload, forgetError, startUpload, useUpload } from './upload'
import { freshList, useImports } from './useList'

const automatic = { header: 'auto', delimiter: 'auto', encoding: 'auto' }

/** Who gets the campaign: lists come in by file, paste or key, are checked while they load, and put right here. */
export function RecipientsStep({ campaign, editable }: { campaign: Schemas['Campaign']; editable: boolean }) {
  const { t } = useTranslation(['recipients', 'frame'])
  const client = useQueryClient()
  const upload = useUpload(campaign.id)
  const [options, setOptions] = useState(automatic)
  const sending = upload !== undefined && !upload.error
  const { query, loading, removing, last, sums } = useImports(campaign.id, sending)
  const busy = sending || loading !== undefined || removing
  const add = (file: Blob, name: string) => startUpload(campaign.id, file, name, options)
  const empty = () =>
    confirm({
      title: t('empty.ask'),
      text: t('empty.text', { n: count(sums.valid) }),
      action: t('empty.do'),
      danger: true,
      do: async () => {
        await api.DELETE('/v1/campaigns/{campaign}/recipients', { params: { path: { campaign: campaign.id } } })
        await freshList(client, campaign.id)
      },
    })
  if (query.error && !query.data) return <Trouble error={query.error} retry={() => void query.refetch()} />
  return (
    <Stack gap="lg" data-field="recipients" tabIndex={-1}>
      {!editable && (
        <Alert variant="outline" color="gray">
          {t('frozen')}
        </Alert>
      )}
      {editable && !busy && (
        <Tabs defaultValue="file" keepMounted={false}>
          <Tabs.List mb="sm">
            <Tabs.Tab value="file">{t('add.file')}</Tabs.Tab>
            <Tabs.Tab value="type">{t('add.type')}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="file">
            <AddFile text={campaign.text} options={options} onOptions={setOptions} onFile={add} />
          </Tabs.Panel>
          <Tabs.Panel value="type">
            <TypeLines campaign={campaign} onFile={add} />
          </Tabs.Panel>
        </Tabs>
      )}
      {busy && (
        <LoadingPanel
          upload={sending ? upload : undefined}
          loading={loading}
          removing={removing && !loading && !sending}
          {...(editable ? { onCancel: () => cancelUpload(campaign.id, loading?.id) } : {})}
        />
      )}
      {upload?.error && (
        <Alert
          role="alert"
          color="red"
          variant="outline"
          icon={<IconAlertTriangle aria-hidden />}
          title={t('upload.failed', { name: upload.name })}
          withCloseButton
          closeButtonLabel={t('frame:action.close')}
          onClose={() => forgetError(campaign.id)}
        >
          {upload.error.code === 'no_answer' ? t('upload.noAnswer') : upload.error.message}
        </Alert>
      )}
      {!upload && last?.state === 'failed' && last.error && (
        <Alert
          color="orange"
          variant="outline"
          icon={<IconAlertTriangle aria-hidden />}
          title={t('upload.failed', { name: last.file_name })}
        >
          {last.error}
        </Alert>
      )}
      {sums.files > 0 && (
        <>
          <Summary campaign={campaign.id} sums={sums} />
          <Problems campaign={campaign.id} sums={sums} editable={editable && !busy} />
        </>
      )}
      <PreviewList
        campaign={campaign.id}
        total={sums.valid}
        actions={
          editable && sums.files > 0 ? (
            <Group>
              <Button variant="default" disabled={busy} leftSection={<IconTrash size={16} aria-hidden />} onClick={empty}>
                {t('empty.open')}
              </Button>
            </Group>
          ) : undefined
        }
      />
    </Stack>
  )
}
