import { Box, Group, Skeleton, Table, Text } from '@mantine/core'
import { IconCheck, IconMinus } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { hooks } from '@/api/client'
import { blocks } from '@/api/problem'
import { Trouble } from '@/ui/Trouble'
import { permissionKey } from '../permissions'

/** What each role may do, as the server judges it. */
export function RoleTable() {
  const { t } = useTranslation(['admin', 'frame'])
  const { data, error, refetch } = hooks.useQuery('get', '/v1/roles', {}, { staleTime: 60 * 60_000 })
  if (blocks({ data, error })) return <Trouble error={error} retry={() => void refetch()} />
  if (!data) return <Skeleton height={200} />
  const permissions = [...new Set(data.items.flatMap((r) => r.permissions))].sort()
  return (
    <Box component="section" style={{ overflowX: 'auto' }} tabIndex={0} aria-label={t('users.matrix')}>
      <Table verticalSpacing={4} miw={640}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('users.may')}</Table.Th>
            {data.items.map((r) => (
              <Table.Th key={r.role}>{t(`frame:role.${r.role}`)}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {permissions.map((p) => (
            <Table.Tr key={p}>
              <Table.Th scope="row" fw={400}>
                {t(`permission.${permissionKey(p)}`, { defaultValue: p })}
              </Table.Th>
              {data.items.map((r) => {
                const may = r.permissions.includes(p)
                return (
                  <Table.Td key={r.role}>
                    <Group gap={4} wrap="nowrap" c={may ? undefined : 'dimmed'}>
                      {may ? <IconCheck size={16} aria-hidden /> : <IconMinus size={16} aria-hidden />}
                      <Text size="xs">{t(may ? 'yes' : 'no')}</Text>
                    </Group>
                  </Table.Td>
                )
              })}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}
