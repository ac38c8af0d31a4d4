import { defineConfig } from 'vite'

/** One script and one stylesheet, which ask for nothing: the page's security policy allows no more. */
export default defineConfig({
  // Whatever the place is called where the page is mounted.
  base: './',
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
