import { type CSSVariablesResolver, createTheme, DEFAULT_THEME, type MantineColorsTuple } from '@mantine/core'

// White on the darkest orange of the kit reaches 4.3 : 1 only.
const orange = [...(DEFAULT_THEME.colors.orange ?? []).slice(0, 9), '#b8400c'] as unknown as MantineColorsTuple

// The shades reach WCAG AA contrast in both schemes; Mantine's own defaults for filled buttons and dimmed text do not.
export const theme = createTheme({
  primaryColor: 'indigo',
  colors: { orange },
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  luminanceThreshold: 0.3,
  respectReducedMotion: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  headings: { fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif', fontWeight: '650' },
})

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#5c636a',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-orange-outline': '#b8400c',
    '--mantine-color-red-outline': '#c92a2a',
    '--mantine-color-placeholder': '#6b7278',
    '--chart-1': '#0072B2',
    '--chart-2': '#D55E00',
    '--chart-3': '#009E73',
    '--chart-4': '#767B82',
  },
  dark: {
    '--mantine-color-dimmed': '#b0b3b8',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-placeholder': '#a0a3a8',
    '--chart-1': '#4DA3D9',
    '--chart-2': '#F28C38',
    '--chart-3': '#34C79A',
    '--chart-4': '#A0A3A8',
  },
})
