import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

export const languages = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof languages

type Texts = Record<string, Record<string, unknown>>

// One chunk per language: only the one that is spoken is loaded.
const load: Record<Language, () => Promise<{ texts: Texts }>> = { en: () => import('./en'), de: () => import('./de') }

const kept = 'overture.language'

export function preferredLanguage(): Language {
  const wanted = [localStorage.getItem(kept) ?? '', ...navigator.languages].map((l) => l.slice(0, 2))
  return (wanted.find((l) => l in languages) as Language | undefined) ?? 'en'
}

/** Chosen here, not in the browser: the server says its sentences in it. The first questions are asked before the texts have come. */
export const spokenLanguage = (): string => i18next.language ?? preferredLanguage()

export async function startLanguage(language: Language): Promise<void> {
  const { texts } = await load[language]()
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { [language]: texts },
    defaultNS: 'frame',
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  })
  document.documentElement.lang = language
}

export async function speak(language: Language): Promise<void> {
  const { texts } = await load[language]()
  for (const [namespace, entries] of Object.entries(texts)) i18next.addResourceBundle(language, namespace, entries)
  await i18next.changeLanguage(language)
  document.documentElement.lang = language
  localStorage.setItem(kept, language)
}
