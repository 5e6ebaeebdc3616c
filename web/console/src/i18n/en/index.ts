// Every .json beside this file is a namespace, named after its feature.
const files = import.meta.glob<Record<string, unknown>>('./*.json', { eager: true, import: 'default' })

export const texts = Object.fromEntries(Object.entries(files).map(([file, entries]) => [file.slice(2, -'.json'.length), entries]))
