import { Kbd, Modal, Stack, Switch, Table } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'

/** Where it is kept whether single letters are shortcuts (WCAG 2.1.4). */
export const singleKeys = 'overture.singleKeys'

export function ShortcutSheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation('frame')
  const [letters, setLetters] = useLocalStorage({ key: singleKeys, defaultValue: true })
  const rows: [string, string][] = [
    ['⌘ K', t('keys.palette')],
    ['n', t('keys.new')],
    ['/', t('keys.search')],
    ['?', t('keys.sheet')],
  ]
  return (
    <Modal opened={opened} onClose={onClose} title={t('keys.title')} closeButtonProps={{ 'aria-label': t('action.close') }}>
      <Stack>
        <Table>
          <Table.Tbody>
            {rows.map(([key, text]) => (
              <Table.Tr key={key}>
                <Table.Td>{text}</Table.Td>
                <Table.Td className="number">
                  <Kbd>{key}</Kbd>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Switch
          checked={letters}
          onChange={(e) => setLetters(e.currentTarget.checked)}
          label={t('keys.off')}
          description={t('keys.offHint')}
        />
      </Stack>
    </Modal>
  )
}
