import './app/app.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Gate } from './app/Gate'
import { Look } from './app/Look'
import { giveStylesTheNonce } from './app/nonce'
import { startI18n } from './i18n'

giveStylesTheNonce()
startI18n()
const client = new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false, retry: 1 } } })
const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Look>
          <Gate />
        </Look>
      </QueryClientProvider>
    </StrictMode>,
  )
}
