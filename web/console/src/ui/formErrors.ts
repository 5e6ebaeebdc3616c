import type { UseFormReturnType } from '@mantine/form'
import { useState } from 'react'
import { sortErrors } from '@/api/problem'

/**
 * Puts the errors of an answer where they belong: on the inputs of the form, the first of which gets the focus, and what has no input into
 * one message for the top of the form. names maps inputs of the form to fields of the API where they differ.
 */
// biome-ignore lint/suspicious/noExplicitAny: any form will do
export function useFormErrors(form: UseFormReturnType<any>, names: Record<string, string> = {}) {
  const [rest, setRest] = useState('')
  return {
    rest,
    clear: () => {
      setRest('')
      form.clearErrors()
    },
    show: (error: unknown) => {
      const inputs = Object.keys(form.getValues() as object)
      const wire = Object.fromEntries(inputs.map((input) => [names[input] ?? input, input]))
      const sorted = sortErrors(error, Object.keys(wire))
      const errors = Object.fromEntries(Object.entries(sorted.fields).map(([field, message]) => [wire[field] ?? field, message]))
      form.setErrors(errors)
      setRest(sorted.rest)
      const first = inputs.find((input) => errors[input])
      if (first) form.getInputNode(first)?.focus()
    },
  }
}
