import { defineConfig } from '@hey-api/openapi-ts'

// The client is made from the API's golden description and never edited; `./dev` makes it anew when that changes.
export default defineConfig({
  input: '../tests/golden/openapi.json',
  output: { path: 'src/api/generated', clean: true },
  plugins: ['@hey-api/typescript', { name: '@hey-api/sdk' }, { name: '@hey-api/client-fetch' }],
})
