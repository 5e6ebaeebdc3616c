import { TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useTranslation } from 'react-i18next'
import { api, type Schemas } from '@/api/client'
import { useFresh } from '@/api/useFresh'
import { FormModal } from '@/ui/FormModal'
import { useSubmit } from '@/ui/useSubmit'

/** Creates a skill or renames one. */
export function SkillForm({ skill, onClose }: { skill?: Schemas['Skill']; onClose: () => void }) {
  const { t } = useTranslation(['admin', 'frame'])
  const fresh = useFresh('/v1/skills')
  const form = useForm({ initialValues: { name: skill?.name ?? '' } })
  const { submit, busy, rest } = useSubmit(form, async ({ name }) => {
    const body = { name: name.trim() }
    if (skill) await api.PATCH('/v1/skills/{skill}', { params: { path: { skill: skill.id } }, body })
    else await api.POST('/v1/skills', { body })
    await fresh()
    onClose()
  })
  return (
    <FormModal
      opened
      onClose={onClose}
      title={t(skill ? 'skills.rename' : 'skills.create')}
      action={t(skill ? 'frame:action.save' : 'skills.create')}
      busy={busy}
      rest={rest}
      onSubmit={submit}
    >
      <TextInput
        label={t('skills.name')}
        description={t('skills.nameHint')}
        required
        data-autofocus
        maxLength={200}
        {...form.getInputProps('name')}
      />
    </FormModal>
  )
}
