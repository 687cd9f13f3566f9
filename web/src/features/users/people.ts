import { useQuery } from '@tanstack/react-query'
import { ask } from '@/api/ask'
import { listGroups, listUsers } from '@/api/generated'

export const USERS = ['users'] as const
export const GROUPS = ['groups'] as const

// No events tell of people: who changes them looks at them again.

export const useUsers = () =>
  useQuery({ queryKey: USERS, queryFn: async () => (await ask(listUsers({ query: { limit: 1000 } }))).items })

export const useGroups = () =>
  useQuery({ queryKey: GROUPS, queryFn: async () => (await ask(listGroups({ query: { limit: 1000 } }))).items })
