import { mount } from 'svelte'
import '../styles/tokens.css'
import '../styles/base.css'
import Account from './Account.svelte'
import SharedTab from './SharedTab.svelte'

const target = document.getElementById('app')
if (target) mount(location.pathname.startsWith('/t/') ? SharedTab : Account, { target })
