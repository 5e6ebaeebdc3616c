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
    // Left alone, a page comes in a hundred files, most under a kilobyte: a browser without HTTP/2 asks for six at a time. What starts every
    // page is one file, what five parts or more share another; the rest stays with its page.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'first', tags: ['$initial'], test: (id) => !/\/src\/main\.tsx$|index\.html/.test(id), priority: 2 },
            { name: 'shared', minShareCount: 5, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/v1': { target: server, ws: true }, '/openapi.json': server } },
})
