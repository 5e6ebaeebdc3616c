import { useMediaQuery } from '@mantine/hooks'

/** Whether there is room for cards only, not for tables; known at the first drawing, so that none is drawn as the other first. */
export const useNarrow = (): boolean => useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false }) ?? false
