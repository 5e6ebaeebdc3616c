import type { UseFormReturnType } from '@mantine/form'
import { useState } from 'react'
import { useFormErrors } from './formErrors'

/** Sends a form: busy while it is on its way, its errors at the inputs they belong to. names as for useFormErrors. */
export function useSubmit<V extends object>(
  form: UseFormReturnType<V>,
  work: (values: V) => Promise<unknown>,
  names: Record<string, string> = {},
) {
  const [busy, setBusy] = useState(false)
  const { show, rest, clear } = useFormErrors(form, names)
  const submit = form.onSubmit((values) => {
    setBusy(true)
    clear()
    work(values as V)
      .catch(show)
      .finally(() => setBusy(false))
  })
  return { submit, busy, rest, clear }
}
