import { fileURLToPath } from 'node:url'

/** "@/x" is src/x, for Vite and Vitest; tsconfig.json says the same to TypeScript. */
export const alias = { '@': fileURLToPath(new URL('./src', import.meta.url)) }
