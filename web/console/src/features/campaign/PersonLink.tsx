import { useNavigate } from '@tanstack/react-router'
import type { MouseEvent } from 'react'

type Props = { campaign: string; recipient: string; children: string }

/** Opens a person. A router's own link watches every change of the address, which is too much for each row of a long list. */
export function PersonLink({ campaign, recipient, children }: Props) {
  const navigate = useNavigate()
  const open = (e: MouseEvent) => {
    if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return // the browser opens a tab or window of its own
    e.preventDefault()
    void navigate({ to: '/campaigns/$campaign/recipients/$recipient', params: { campaign, recipient }, search: {} })
  }
  return (
    <a className="link" href={`/campaigns/${campaign}/recipients/${recipient}`} onClick={open}>
      {children}
    </a>
  )
}
