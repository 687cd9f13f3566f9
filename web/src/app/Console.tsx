import { RouterProvider } from '@tanstack/react-router'
import type { WhoamiView } from '@/api/generated'
import { router } from '@/routes/router'
import { SessionProvider } from './session'

/** Everything behind the sign-in. */
export default function Console({ me }: { me: WhoamiView }) {
  return (
    <SessionProvider me={me}>
      <RouterProvider router={router} />
    </SessionProvider>
  )
}
