import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { alias } from './vite.aliases.ts'

// The server embeds dist and serves it at the root; in development Vite serves the sources and passes API calls on to a running server.
const server = process.env.OVERTURE_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react()],
  resolve: { alias },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    modulePreload: { polyfill: false },
    manifest: true,
  },
  server: { proxy: { '/v1': { target: server, ws: true }, '/openapi.json': server } },
})
