import { mount } from 'svelte'
import '../styles/tokens.css'
import '../styles/base.css'
import Account from './Account.svelte'

const target = document.getElementById('app')
if (target) mount(Account, { target })
