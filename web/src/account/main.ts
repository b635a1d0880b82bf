import { mount } from 'svelte'
import '../styles/tokens.css'
import '../styles/base.css'
import Account from './Account.svelte'
import Join from './Join.svelte'
import SharedTab from './SharedTab.svelte'

const target = document.getElementById('app')
const { pathname } = location
if (target) mount(pathname === '/join' ? Join : pathname.startsWith('/t/') ? SharedTab : Account, { target })
