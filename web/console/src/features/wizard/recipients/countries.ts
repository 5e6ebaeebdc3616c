// Calling codes of countries where campaigns are common; any other can be typed.
const codes: Record<string, string> = {
  US: '1',
  CA: '1',
  GB: '44',
  IE: '353',
  DE: '49',
  AT: '43',
  CH: '41',
  FR: '33',
  BE: '32',
  NL: '31',
  LU: '352',
  ES: '34',
  PT: '351',
  IT: '39',
  DK: '45',
  NO: '47',
  SE: '46',
  FI: '358',
  PL: '48',
  CZ: '420',
  SK: '421',
  HU: '36',
  RO: '40',
  GR: '30',
  TR: '90',
  IL: '972',
  AE: '971',
  ZA: '27',
  NG: '234',
  KE: '254',
  IN: '91',
  SG: '65',
  MY: '60',
  PH: '63',
  JP: '81',
  KR: '82',
  AU: '61',
  NZ: '64',
  BR: '55',
  MX: '52',
  AR: '54',
  CL: '56',
  CO: '57',
}

/** "+49 Germany" in the language of the page, by name. */
export function callingCodes(language: string): string[] {
  const names = new Intl.DisplayNames([language], { type: 'region' })
  return Object.entries(codes)
    .map(([region, code]) => ({ code, name: names.of(region) ?? region }))
    .sort((a, b) => a.name.localeCompare(b.name, language))
    .map(({ code, name }) => `+${code} ${name}`)
}

/** The digits of what was chosen or typed; empty when it is no calling code. */
export function callingCodeOf(text: string): string {
  const match = /^\s*\+?\s*([1-9]\d{0,2})(?:\s|$)/.exec(text)
  return match?.[1] ?? ''
}
