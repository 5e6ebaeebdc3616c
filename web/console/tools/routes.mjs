// Every page of the console, with something to see on it. e2e/every-page.spec.ts holds this list equal to the router's.

/** @typedef {{ route: string, name: string, path: string, open?: boolean }} Page  open: for people who are not signed in */

/**
 * @param {{ url: string, key: string }} demo
 * @returns {Promise<Page[]>}
 */
export async function pagesOf(demo) {
  const get = async (path) => {
    const answer = await fetch(demo.url + path, { headers: { Authorization: `Bearer ${demo.key}` } })
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    return answer.json()
  }
  const { items } = await get('/v1/campaigns?limit=50')
  const by = (fits) => {
    const found = items.find(fits)
    if (!found) throw new Error('the demo lacks a campaign')
    return found.id
  }
  const running = by((c) => c.state === 'running' && c.name.startsWith('Spring'))
  const draft = by((c) => c.state === 'draft')
  const people = await get(`/v1/campaigns/${running}/recipients?limit=1&state=delivered`)
  const edit = (step) => ({ route: '/campaigns/$campaign/edit', name: step, path: `/campaigns/${draft}/edit?step=${step}` })
  const tab = (name) => ({ route: '/campaigns/$campaign', name: `campaign-${name}`, path: `/campaigns/${running}?tab=${name}` })
  const plain = (route) => ({ route, name: route.slice(1).replace('/', '-'), path: route })
  return [
    { ...plain('/login'), open: true },
    { ...plain('/setup'), open: true },
    plain('/account'),
    plain('/campaigns'),
    tab('overview'),
    tab('recipients'),
    tab('held'),
    tab('forecast'),
    tab('content'),
    {
      route: '/campaigns/$campaign/recipients/$recipient',
      name: 'person',
      path: `/campaigns/${running}/recipients/${people.items[0].id}`,
    },
    edit('compose'),
    edit('recipients'),
    edit('schedule'),
    edit('review'),
    ...['/analytics', '/held', '/opt-outs', '/phones'].map(plain),
    ...['users', 'skills', 'senders', 'keys', 'policy', 'account', 'prices', 'retention', 'audit', 'health'].map((name) =>
      plain(`/admin/${name}`),
    ),
  ]
}
