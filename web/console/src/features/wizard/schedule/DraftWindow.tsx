import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { WindowEditor } from '@/ui/WindowEditor'
import type { DraftHandle } from '../useDraft'
import { Section } from './Section'

type Props = { draft: DraftHandle; editable: boolean; children: ReactNode }

/** The window of a draft, and what it means for its list. */
export function DraftWindow({ draft: { values, set, error }, editable, children }: Props) {
  const { t } = useTranslation('wizard')
  return (
    <Section title={t('window.title')} hint={t('window.hint')}>
      <WindowEditor value={values.window} onChange={(window) => set({ window })} error={error} editable={editable} />
      {children}
    </Section>
  )
}
