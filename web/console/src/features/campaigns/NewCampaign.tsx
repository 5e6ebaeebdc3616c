import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, hooks } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { useSession } from '@/auth/session'
import { useFormErrors } from '@/ui/formErrors'

/** The three things a draft cannot be without; everything else is in the wizard, where nothing is locked. */
export function NewCampaign({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation(['campaigns', 'frame'])
  const navigate = useNavigate()
  const [busy, setBusy] = useState(false)
  const form = useForm({ initialValues: { name: '', sender: '', skill: '' } })
  const { show, rest, clear } = useFormErrors(form)
  const senders = hooks.useQuery('get', '/v1/senders', { params: { query: { limit: 200 } } }, { enabled: opened })
  const skills = hooks.useQuery('get', '/v1/skills', { params: { query: { limit: 200 } } }, { enabled: opened })

  const { can } = useSession()
  const fresh = useFresh('/v1/skills')
  const noSkill = skills.data?.items.length === 0

  // With one sender or one skill there is nothing to choose.
  const onlySender = senders.data?.items.length === 1 ? senders.data.items[0]?.id : undefined
  const onlySkill = skills.data?.items.length === 1 ? skills.data.items[0]?.id : undefined
  const { setFieldValue } = form
  useEffect(() => {
    if (onlySender) setFieldValue('sender', onlySender)
    if (onlySkill) setFieldValue('skill', onlySkill)
  }, [onlySender, onlySkill, setFieldValue])

  const submit = async (body: typeof form.values) => {
    setBusy(true)
    clear()
    try {
      let { skill } = body
      if (noSkill) {
        const { data: first } = await api.POST('/v1/skills', { body: { name: skill.trim() } })
        skill = first?.id ?? ''
        await fresh()
      }
      const { data } = await api.POST('/v1/campaigns', { body: { ...body, skill, name: body.name.trim() } })
      if (data) await navigate({ to: '/campaigns/$campaign/edit', params: { campaign: data.id }, search: {} })
    } catch (error) {
      show(error)
    } finally {
      setBusy(false)
    }
  }
  const noSender = senders.data?.items.length === 0
  return (
    <Modal opened={opened} onClose={onClose} title={t('new.title')} closeButtonProps={{ 'aria-label': t('frame:action.close') }}>
      <form onSubmit={form.onSubmit((values) => void submit(values))}>
        <Stack>
          {rest && (
            <Alert color="red" variant="outline" role="alert">
              {rest}
            </Alert>
          )}
          <TextInput
            label={t('new.name')}
            description={t('new.nameHint')}
            required
            data-autofocus
            maxLength={255}
            {...form.getInputProps('name')}
          />
          <Select
            label={t('new.sender')}
            required
            searchable
            data={(senders.data?.items ?? []).map((s) => ({ value: s.id, label: `${s.name} (${s.address})` }))}
            nothingFoundMessage={t('frame:palette.nothing')}
            {...form.getInputProps('sender')}
          />
          {noSkill && can('skills:write') ? (
            <TextInput label={t('new.skill')} description={t('new.firstSkill')} required maxLength={200} {...form.getInputProps('skill')} />
          ) : (
            <Select
              label={t('new.skill')}
              description={t(noSkill ? 'new.noSkill' : 'new.skillHint')}
              required
              searchable
              data={(skills.data?.items ?? []).map((s) => ({ value: s.id, label: s.name }))}
              nothingFoundMessage={t('frame:palette.nothing')}
              {...form.getInputProps('skill')}
            />
          )}
          {noSender && <Text size="sm">{t('new.noSender')}</Text>}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('frame:action.cancel')}
            </Button>
            <Button type="submit" loading={busy}>
              {t('new.submit')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
