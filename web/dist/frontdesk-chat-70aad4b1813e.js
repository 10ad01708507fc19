var Ta=Object.defineProperty;var yi=(e,t)=>{for(var n in t)Ta(e,n,{get:t[n],enumerable:!0})};function se(e){let t=n=>n.replace(/_./g,r=>r[1].toUpperCase());return Object.fromEntries(Object.entries(e).map(([n,r])=>[t(n),r]))}var Ei={id:"",runId:null,role:"assistant",text:"",reasoning:"",toolsUsed:[],toolCalls:[],actions:[],approvals:[],status:"streaming",error:null,feedback:null,createdAt:"",versions:[],clientTools:[],suggestions:[]};function ht(e,t){let n=r=>({...e,status:"streaming",authRequiredUntil:null,...r});switch(!0){case"conversation_id"in t:{let{messageId:r,error:i=null,...o}=se(t),{response:s=e.text,suggestedQuestions:a=[],...c}=o;return{...e,...c,id:r,text:s,suggestions:a,error:i&&Ai(i)}}case"token"in t:return n({text:e.text+t.token});case"reasoning"in t:return n({reasoning:e.reasoning+t.reasoning});case"tools_used"in t:return n({toolsUsed:[...new Set([...e.toolsUsed,...t.tools_used])]});case"tool_call"in t:return n(Da(e,t.tool_call));case"action"in t:return n({actions:[...e.actions,t.action]});case"approval"in t:return n({approvals:[...e.approvals,{...se(t.approval),decision:null}]});case"client_tool"in t:return n({clientTools:[...e.clientTools,se(t.client_tool)]});case"snapshot"in t:{let{messageId:r,text:i,toolsUsed:o,actions:s}=se(t.snapshot);return n({...{reasoning:"",toolCalls:[],approvals:[],clientTools:[],error:null},id:r,text:i,toolsUsed:o,actions:s})}case"auth_required"in t:return{...e,authRequiredUntil:t.auth_required.expires_at};case"error"in t:return n({error:Ai(t.error)});case"status"in t:return n(se(t));case"title"in t:return{...e,title:t.title};case"suggested_questions"in t:return{...e,suggestions:t.suggested_questions};default:return e}}function Da(e,t){let{id:n,status:r}=t,{toolCalls:i,approvals:o,clientTools:s}=e,a=i.find(d=>d.id===n),c={arguments:null,durationMs:null,error:null,...a,...se(t)},u=r==="error"?"denied":"approved",h=({toolCallId:d})=>d!==n||r.startsWith("awaiting");return{toolCalls:a?i.map(d=>d===a?c:d):[...i,c],approvals:o.map(d=>h(d)||d.decision?d:{...d,decision:u}),clientTools:s.filter(h)}}function Ai(e){return{retryAfterS:null,...se(e)}}function Ve(e,t){let n=t?[...t.versions,t]:[];return{...Ei,createdAt:new Date().toISOString(),versions:n,...e}}function nr(e,t){return Ve({id:rr(),role:"user",text:e,status:"sending"},t)}function Ht({run:e,answer:t}){return e?.answer.id?e.answer:t}function Ut(e){return e.flatMap(t=>[t.user,Ht(t)]).filter(t=>t!==null)}var rr=()=>`${Date.now()}-${Math.random()}`;function Ri(e){let t={},n={},r={};for(let i of e){let{id:o,runId:s,role:a,text:c,createdAt:u,toolCalls:h,toolCallId:d,supersededBy:g,...m}=se(i),p=(g?n:t)[s]??={user:null,answer:null};g&&(r[g]??=p);let _=r[m.turn],x=p.answer??Ve({},_?.answer),R=m.status==="partial"?"partial":"completed";if(a==="user")p.user=Ve({id:o,runId:s,role:a,text:c,createdAt:u,status:R},_?.user);else if(a==="tool"){let T=m.isError?{status:"error",error:c}:{status:"ok"},y={tool_call:{id:d,name:m.toolName,...T}};p.answer={...ht(x,y),status:R}}else{let T=[{token:x.text&&c?`

${c}`:c},{tools_used:h.map(y=>y.name)},...h.map(y=>({tool_call:{...y,status:"error"}}))];p.answer={...T.reduce(ht,x),id:o,runId:s,createdAt:u,status:R}}}return Object.values(t)}function Ci(e,t){return{async list(n={}){let r=await e.read(`/conversations${Ti(n)}`);return{...se(r),items:r.items.map(se)}},get:async n=>se(await e.read(Re(n))),messages:async n=>Ut(await ir(e,n)),async rename(n,r){let i=se(await e.read(Re(n),"PATCH",{title:r}));return t(i),i},async delete(n){await e.call("DELETE",Re(n)),t({id:n})},export:async n=>(await e.call("GET",`${Re(n)}/export`)).blob()}}async function ir(e,t){let n=[],r;do{let i=`${Re(t)}/messages${Ti({limit:100,versions:"all",cursor:r})}`,o=await e.read(i);n.push(...o.items),r=o.next_cursor}while(r);return Ri(n)}function Re(e){return`/conversations/${encodeURIComponent(e)}`}function Ti(e){return`?${new URLSearchParams(Object.entries(e).filter(([,t])=>t))}`}function Si(e,t,n,r,i){return a=>{let{actions:c,clientTools:u,authRequiredUntil:h}=a.answer,d=g=>a.seen.size<a.seen.add(g).size;for(let g of c)d(g.id)&&o(g);for(let g of u)Di(n.tools,g.name)&&d(g.toolCallId)&&s(a,g);h&&d(h)&&e.insist(`/runs/${a.answer.runId}/credential`).catch(i)};async function o(a){let c=Di(n.actions,a.type),u=c?[()=>c(a.value,a),...r]:[...r];u.length&&await t(a.id)&&Vt(u,a)}async function s(a,{toolCallId:c,name:u,arguments:h}){if(!await t(c))return;let d=await Promise.resolve(h).then(n.tools[u]).catch(m=>({error:`${m}`}));await e.insist(`/runs/${a.answer.runId}/results`,{tool_call_id:c,result:d??null}).then(a.resume,i)}}function Vt(e,t){for(let n of e)try{n(t)}catch(r){console.error(r)}}function Di(e,t){return Object.hasOwn(e,t)?e[t]:void 0}var Ie=class extends Error{constructor(t){super(),Object.assign(this,t)}};function Ce(e){if(e instanceof Ie)return e;let t="No connection";return new Ie({code:"network",message:t,recoverable:!0,retryAfterS:null})}function ft({status:e,headers:t},n){let{code:r="bad_response",detail:i=`HTTP ${e}`}=n,o=parseInt(t.get("retry-after"))||null,s=e<400||e>422;return new Ie({code:r,message:i,recoverable:s,retryAfterS:o,status:e})}var or=4e4,Wt=2e3,Sa=3e4,pt=5;function Jt(e,t,n){return Math.min(Sa,t*2**(e-1))*(.5+Math.random())+qt(n)}function qt({retryAfterS:e}){return e*1e3}function Fi(e){return new Promise(t=>setTimeout(t,e))}function Mi({url:e,token:t,fetch:n=globalThis.fetch}){let r=e.replace(/\/+$/,"");async function i(d,g,m){let p=await c(d,g,m);return p.status===401&&t?c(d,g,m):p}async function o(d,g,m){let p=await i(d,g,{body:m});if(!p.ok)throw ft(p,await Gt(p));return p}async function s(d,g="GET",m){return Gt(await o(g,d,m))}async function a(d,g,m=1){try{return await o("POST",d,g)}catch(p){let _=Ce(p);if(m>=pt||!_.recoverable)throw _;return await Fi(Jt(m,Wt,_)),a(d,g,m+1)}}async function c(d,g,{body:m,headers:p,signal:_}){try{let x=await t?.(),R=await n(r+g,{method:d,headers:{...p,...x&&{authorization:`Bearer ${x}`},"content-type":"application/json"},body:JSON.stringify(m),signal:_});return u(!0),R}catch(x){throw _?.aborted||u(!1),Ce(x)}}function u(d,g=d!==h.isReachable){h.isReachable=d,g&&h.listeners.forEach(m=>m())}let h={isReachable:!0,listeners:new Set,request:i,call:o,read:s,insist:a};for(let d of["online","offline","visibilitychange"])globalThis.addEventListener?.(d,()=>u(d!=="offline"&&(h.isReachable||d==="online"),!0));return h}function Gt(e){return e.json().catch(()=>{throw ft(e,{})})}var Zt=class extends Error{constructor(t,n){super(t),this.name="ParseError",this.type=n.type,this.field=n.field,this.value=n.value,this.line=n.line}};function sr(e){}function Li(e){if(typeof e=="function")throw new TypeError("`callbacks` must be an object, got a function instead. Did you mean `{onEvent: fn}`?");let{onEvent:t=sr,onError:n=sr,onRetry:r=sr,onComment:i}=e,o="",s=!0,a,c="",u="";function h(_){let x=s?_.replace(/^\xEF\xBB\xBF/,""):_,[R,T]=Fa(`${o}${x}`);for(let y of R)d(y);o=T,s=!1}function d(_){if(_===""){m();return}if(_.startsWith(":")){i&&i(_.slice(_.startsWith(": ")?2:1));return}let x=_.indexOf(":");if(x!==-1){let R=_.slice(0,x),T=_[x+1]===" "?2:1,y=_.slice(x+T);g(R,y,_);return}g(_,"",_)}function g(_,x,R){switch(_){case"event":u=x;break;case"data":c=`${c}${x}
`;break;case"id":a=x.includes("\0")?void 0:x;break;case"retry":/^\d+$/.test(x)?r(parseInt(x,10)):n(new Zt(`Invalid \`retry\` value: "${x}"`,{type:"invalid-retry",value:x,line:R}));break;default:n(new Zt(`Unknown field "${_.length>20?`${_.slice(0,20)}…`:_}"`,{type:"unknown-field",field:_,value:x,line:R}));break}}function m(){c.length>0&&t({id:a,event:u||void 0,data:c.endsWith(`
`)?c.slice(0,-1):c}),a=void 0,c="",u=""}function p(_={}){o&&_.consume&&d(o),s=!0,a=void 0,c="",u="",o=""}return{feed:h,reset:p}}function Fa(e){let t=[],n="",r=0;for(;r<e.length;){let i=e.indexOf("\r",r),o=e.indexOf(`
`,r),s=-1;if(i!==-1&&o!==-1?s=Math.min(i,o):i!==-1?i===e.length-1?s=-1:s=i:o!==-1&&(s=o),s===-1){n=e.slice(r);break}else{let a=e.slice(r,s);t.push(a),r=s+1,e[r-1]==="\r"&&e[r]===`
`&&r++}}return[t,n]}async function Ii(e,t,n){let r=[],i=Li({onEvent:a=>r.push(a),onRetry:n}),o=new TextDecoder,s=e.getReader();for(let a;!(a=await s.read()).done;t(r.splice(0)))for(let c of o.decode(a.value,{stream:!0}).match(/[^\n]*\n?/g))i.feed(c)}var Ma=6e4;function ar(e,t,n,r){let i=new AbortController,o=0,s=null,a=Wt,c=0,u=!1,h=!1,d=N=>{},g={answer:n,phase:"sending",seen:new Set,followed:Promise.resolve(),follow(){return h=!1,g.followed=g.followed.then(p)},async stop(){if(g.phase!=="idle"){if(u=!0,g.answer.runId&&g.phase!=="reconnecting"&&await m(pt))return g.resume(),g.followed;T()}},resume(){c=0,d(!0)},close(){h=!0,i.abort(),d(!0)}};return g;function m(N){return e.insist(`/runs/${g.answer.runId}/cancel`,void 0,N).catch(()=>null)}async function p(){for(u=!1,c=0,g.phase==="idle"&&I("reconnecting",{status:"streaming",error:null}),e.listeners.add(C);!y();)await E(await _());e.listeners.delete(C)}async function _(){let{signal:N}=i=new AbortController,O=setInterval(D,or/8);o=Date.now();try{let z=await x(N);if(z.status===204)g.close();else if(/event-stream/.test(z.headers.get("content-type")))await Ii(z.body,R,M=>a=M);else{let M=await Gt(z);if(!("response"in M))throw ft(z,M);R([{data:JSON.stringify(M)}])}return Ce()}catch(z){return Ce(z)}finally{clearInterval(O)}}function x(N){let{path:O,body:z,key:M}=g.answer.runId?{path:`/runs/${g.answer.runId}/events`}:t;return e.request(M?"POST":"GET",O,{body:z,headers:{accept:"text/event-stream",...M&&{"idempotency-key":M},...s&&{"last-event-id":s}},signal:N})}function R(N){o=Date.now();let O=N.flatMap(({id:M=null,data:A})=>{s=M??s;try{let F=JSON.parse(A);return g.answer=ht(g.answer,F),{runId:g.answer.runId,id:M,event:F}}catch{return[]}});if(u&&g.phase==="idle")return T();if(h||!O.length)return;c=0;let{status:z}=g.answer;g.phase=z==="streaming"||z==="awaiting_input"?z:"idle",r(O)}function T(){if(I("idle",{status:"cancelled"}),!g.answer.runId)return d(!0);g.close(),m()}function y(){return h||g.phase==="idle"}async function E(N){if(y())return;if(!N.recoverable||!g.answer.runId&&(c+1>=pt||qt(N)>Ma))return I("idle",{status:"failed",error:N});let O=Date.now();await new Promise(z=>{let M=setTimeout(z,Jt(++c,a,N));d=A=>{!A&&Date.now()-O<qt(N)||(clearTimeout(M),z())},g.phase!=="awaiting_input"&&I("reconnecting")})}function C(){d(),D()}function D(){Date.now()-o>or&&i.abort()}function I(N,O){g.phase=N,g.answer={...g.answer,...O},r([])}}var La=6e4;function zi(e,t,n,r){let i=new Set,o=new Set,s=new Set,a=[],c=r.conversationId??null,u=null,h=null,d=null,g=Promise.resolve(),m,p={view:M(),actions:r.actions??{},tools:r.tools??{},subscribe:lr(i),onAction:lr(o),onEvent:lr(s),async send(A){let F=A.trim();if(!F)return;let B=c;if(await d,c!==B)return;let $={branch_id:r.branchId,model:r.model,context:r.context?.()},J=O({user:nr(F)}),G=async()=>{a.includes(J)&&await y(J,"/chat",{message:F,conversation_id:c,...$})};await(g=c?G():g.then(G))},async stop(){await Promise.all(a.map(({run:A})=>A?.stop()))},async retry(){let A=a.at(-1);A?A.run&&!A.run.answer.usage?await E(A):await C(A):await(c&&p.open(c))},async regenerate(A){await C(A?a.find(F=>Ht(F)?.id===A):a.at(-1))},async edit(A,F){let B=a.find(({user:$})=>$?.id===A);F.trim()&&await C(B,F.trim())},async open(A){x(A),d=R(A),z(),await d},startNew(){x(null),z()},async decide(A,{approve:F,reason:B}){let $=({run:_e})=>_e?.answer.approvals.some(ye=>ye.toolCallId===A),{run:J}=a.find($)??{},G={tool_call_id:A,approve:F,reason:B};J&&await e.insist(`/runs/${J.answer.runId}/decisions`,G).then(J.resume,N)},close(){x(null),n.delete(I),e.listeners.delete(z)}},_=Si(e,t,p,o,N);return n.add(I),e.listeners.add(z),p;function x(A){m?.close();for(let{run:F}of a)F?.close();a=[],c=A,u=h=d=null}async function R(A){let F=a;try{let[B,$]=await Promise.all([e.read(Re(A)),ir(e,A)]);if(a!==F)return;u=B.title,a=$,T(A)}catch(B){if(a!==F)return;h=Ce(B)}d=null,z()}async function T(A){let{user:F,answer:B}=a.at(-1)??{},J=Date.now()-Date.parse((B??F)?.createdAt)<La?`/runs/${F?.runId}/events`:`${Re(A)}/stream`,G=m=ar(e,{path:J},Ve({versions:B?.versions??[]}),_e=>{let{runId:ye}=G.answer;if(!ye)return;let Ze=a.find(Xe=>Xe.user?.runId===ye)??O({});Ze.run=G,D(Ze,_e)});await G.follow()}async function y(A,F,B,$){let J={path:F,body:B,key:rr()};A.run=ar(e,J,Ve({},$),G=>D(A,G)),await E(A)}async function E(A){let F=A.run?.follow();h=null,D(A,[]),await F}async function C(A,F){if(!A)return;await p.stop();let{user:B}=A,$=Ht(A);if(a=a.slice(0,a.indexOf(A)),!B?.runId&&F)return p.send(F);let J=O({user:F?nr(F,B):B}),G=`${Re(c)}/${F?"edit":"regenerate"}`;await y(J,G,{message_id:$?.id??B?.id,message:F},F?null:$)}function D(A,F){let{run:B,user:$}=A;if(!B||!a.includes(A))return;let{status:J,...G}=B.answer;c??=G.conversationId??null,u=G.title??u;let _e=G.runId??$?.runId??null,ye=_e?"completed":J==="streaming"?"sending":J;$&&$.status!==ye&&(A.user={...$,runId:_e,status:ye}),_(B);for(let Ze of F)Vt(s,Ze);z()}function I({id:A,title:F,feedback:B}){A===c&&(F?u=F:x(null));let $=a.flatMap(J=>[J,J.run]).find(J=>J?.answer?.id===A);$?.answer&&B&&($.answer={...$.answer,feedback:B}),z()}function N(A){h=Ce(A),z()}function O(A){let F={user:null,answer:null,...A};return a=[...a,F],F}function z(){p.view=M(),Vt(i,p.view)}function M(){let A=a.at(-1)?.run?.answer,F=a.find(({run:B})=>B&&B.phase!=="idle")?.run;return{conversationId:c,title:u,messages:Ut(a),phase:d?"loading":F?.phase??"idle",suggestions:A?.suggestions??[],error:h??A?.error??null,connection:e.isReachable?"online":"offline"}}}function lr(e){return t=>(e.add(t),()=>e.delete(t))}var cr="frontdesk.done";function Ni(e){let t=" ",n=i=>{try{t=(e??localStorage).getItem(cr)??t}catch{}if(t.includes(` ${i} `))return!1;t=`${t}${i} `.slice(-2e4);try{(e??localStorage).setItem(cr,t)}catch{}return!0},{locks:r}=globalThis.navigator??{};return async i=>r?r.request(cr,()=>n(i)):n(i)}function ur(e){let t=Mi(e),n=Ni(e.storage),r=new Set,i=o=>r.forEach(s=>s(o));return{async assistant(){let o=await t.read("/assistant");return{...o,limits:se(o.limits)}},conversations:Ci(t,i),async feedback(o,s){await t.call("POST",`/messages/${encodeURIComponent(o)}/feedback`,s),i({id:o,feedback:s.rating})},chat:(o={})=>zi(t,n,r,o)}}var Oi={blue:"#2563eb",indigo:"#4f5bd5",violet:"#7c4ddb",pink:"#d6409f",red:"#d93843",orange:"#e8590c",amber:"#f0a500",green:"#2b8a3e",teal:"#0c8599"};function dr(e,t){let n=t===null?"":Object.hasOwn(Oi,t)?Oi[t]:t;e.replaceSync(":host {}");let r=e.cssRules[0];r instanceof CSSStyleRule&&n&&CSS.supports("color",n)&&r.style.setProperty("--accent",n)}function Pi(e,t){let n=ji(e,t.page);return n===null?null:n.protocol==="mailto:"||n.protocol==="tel:"?n.protocol+n.pathname:Hi(n)&&(Ui(n,t.page)||Vi(n,t.linkHosts))?n.href:null}function Bi(e,t){let n=ji(e,t.page);return n===null||!Hi(n)?null:t.imageHosts.includes("self")&&Ui(n,t.page)||Vi(n,t.imageHosts)?n.href:null}function $i(e,t){return e.startsWith(`${t.page.origin}/`)}function hr(e){return(e??"").toLowerCase().split(/\s+/).filter(Boolean)}function ji(e,t){try{return new URL(e,t)}catch{return null}}function Hi(e){return(e.protocol==="https:"||e.protocol==="http:")&&e.username===""&&e.password===""}function Ui(e,t){return e.origin===t.origin}function Vi(e,t){return e.protocol!=="https:"||e.port!==""?!1:t.some(n=>n.startsWith("*.")?e.hostname.endsWith(n.slice(1)):e.hostname===n&&n!=="self")}/*! @license DOMPurify 3.4.18 | (c) Cure53 and other contributors | Released under the Apache license 2.0 and Mozilla Public License 2.0 | github.com/cure53/DOMPurify/blob/3.4.18/LICENSE */function Ia(e,t){this.v=e,this.k=t}function Wi(e,t){(t==null||t>e.length)&&(t=e.length);for(var n=0,r=Array(t);n<t;n++)r[n]=e[n];return r}function za(e){if(Array.isArray(e))return e}function Na(e,t){var n=e==null?null:typeof Symbol<"u"&&e[Symbol.iterator]||e["@@iterator"];if(n!=null){var r,i,o,s,a=[],c=!0,u=!1;try{if(o=(n=n.call(e)).next,t===0){if(Object(n)!==n)return;c=!1}else for(;!(c=(r=o.call(n)).done)&&(a.push(r.value),a.length!==t);c=!0);}catch(h){u=!0,i=h}finally{try{if(!c&&n.return!=null&&(s=n.return(),Object(s)!==s))return}finally{if(u)throw i}}return a}}function Oa(){throw new TypeError(`Invalid attempt to destructure non-iterable instance.
In order to be iterable, non-array objects must have a [Symbol.iterator]() method.`)}/*! regenerator-runtime -- Copyright (c) 2014-present, Facebook, Inc. -- license (MIT): https://github.com/babel/babel/blob/main/packages/babel-helpers/LICENSE */function Pa(e,t){return za(e)||Na(e,t)||Ba(e,t)||Oa()}function Ba(e,t){if(e){if(typeof e=="string")return Wi(e,t);var n={}.toString.call(e).slice(8,-1);return n==="Object"&&e.constructor&&(n=e.constructor.name),n==="Map"||n==="Set"?Array.from(e):n==="Arguments"||/^(?:Ui|I)nt(?:8|16|32)(?:Clamped)?Array$/.test(n)?Wi(e,t):void 0}}function Xt(e){var t,n;function r(o,s){try{var a=e[o](s),c=a.value,u=c instanceof Ia;Promise.resolve(u?c.v:c).then(function(h){if(u){var d=o==="return"&&c.k?o:"next";if(!c.k||h.done)return r(d,h);h=e[d](h).value}i(!!a.done,h)},function(h){r("throw",h)})}catch(h){i(2,h)}}function i(o,s){o===2?t.reject(s):t.resolve({value:s,done:o}),(t=t.next)?r(t.key,t.arg):n=null}this._invoke=function(o,s){return new Promise(function(a,c){var u={key:o,arg:s,resolve:a,reject:c,next:null};n?n=n.next=u:(t=n=u,r(o,s))})},typeof e.return!="function"&&(this.return=void 0)}Xt.prototype[typeof Symbol=="function"&&Symbol.asyncIterator||"@@asyncIterator"]=function(){return this},Xt.prototype.next=function(e){return this._invoke("next",e)},Xt.prototype.throw=function(e){return this._invoke("throw",e)},Xt.prototype.return=function(e){return this._invoke("return",e)};var io=Object.entries,$a=Object.keys,Ji=Object.setPrototypeOf,ja=Object.isFrozen,oo=Object.getPrototypeOf,so=Object.getOwnPropertyDescriptor,ie=Object.freeze,te=Object.seal,Ne=Object.create,ao=typeof Reflect<"u"&&Reflect,Qt=ao.apply,yr=ao.construct;ie||(ie=function(t){return t});te||(te=function(t){return t});Qt||(Qt=function(t,n){for(var r=arguments.length,i=new Array(r>2?r-2:0),o=2;o<r;o++)i[o-2]=arguments[o];return t.apply(n,i)});yr||(yr=function(t){for(var n=arguments.length,r=new Array(n>1?n-1:0),i=1;i<n;i++)r[i-1]=arguments[i];return new t(...r)});var Te=q(Array.prototype.forEach),Ha=q(Array.prototype.lastIndexOf),qi=q(Array.prototype.pop),mt=q(Array.prototype.push),Ua=q(Array.prototype.slice),Va=q(Array.prototype.splice),rt=Array.isArray,fr=lo(Set),pr=q(Set.prototype.add),gt=q(Set.prototype.has),We=q(String.prototype.toLowerCase),mr=q(String.prototype.toString),Wa=q(String.prototype.match),Yt=q(String.prototype.replace),gr=q(String.prototype.indexOf),Ja=q(String.prototype.trim),qa=q(Number.prototype.toString),Ga=q(Boolean.prototype.toString),Gi=typeof BigInt>"u"?null:q(BigInt.prototype.toString),Zi=typeof Symbol>"u"?null:q(Symbol.prototype.toString),le=q(Object.prototype.hasOwnProperty),bt=q(Object.prototype.toString),Za=RegExp.prototype.test,re=function(t,n){return t instanceof RegExp&&(t.lastIndex=0),Qt(Za,t,[n])},De=lo(TypeError);function q(e){return function(t){for(var n=arguments.length,r=new Array(n>1?n-1:0),i=1;i<n;i++)r[i-1]=arguments[i];return Qt(e,t,r)}}function lo(e){return function(){for(var t=arguments.length,n=new Array(t),r=0;r<t;r++)n[r]=arguments[r];return yr(e,n)}}function U(e,t){let n=arguments.length>2&&arguments[2]!==void 0?arguments[2]:We;if(Ji&&Ji(e,null),!rt(t))return e;let r=t.length;for(;r--;){let i=t[r];if(typeof i=="string"){let o=n(i);o!==i&&(ja(t)||(t[r]=o),i=o)}e[i]=!0}return e}function Xa(e){for(let t=0;t<e.length;t++)le(e,t)||(e[t]=null);return e}function en(e){let t=Ne(null);for(let r of io(e)){var n=Pa(r,2);let i=n[0],o=n[1];le(e,i)&&(rt(o)?t[i]=Xa(o):o&&typeof o=="object"&&o.constructor===Object?t[i]=en(o):t[i]=o)}return t}function vt(e){let t=Ne(null),n=$a(e),r=n.length;for(;r--;)t[n[r]]=e[n[r]];return t}function Ya(e){switch(typeof e){case"string":return e;case"number":return qa(e);case"boolean":return Ga(e);case"bigint":return Gi?Gi(e):"0";case"symbol":return Zi?Zi(e):"Symbol()";case"undefined":return bt(e);case"function":case"object":{if(e===null)return bt(e);let t=e,n=de(t,"toString");if(typeof n=="function"){let r=n(t);return typeof r=="string"?r:bt(r)}return bt(e)}default:return bt(e)}}function de(e,t){for(;e!==null;){let r=so(e,t);if(r){if(r.get)return q(r.get);if(typeof r.value=="function")return q(r.value)}e=oo(e)}function n(){return null}return n}function Ka(e,t){for(;e!==null;){let n=so(e,t);if(n)return n.get?q(n.get):null;e=oo(e)}return null}function Qa(e){if(!e)return!1;try{return re(e,""),!0}catch{return!1}}var Xi=ie(["a","abbr","acronym","address","area","article","aside","audio","b","bdi","bdo","big","blink","blockquote","body","br","button","canvas","caption","center","cite","code","col","colgroup","content","data","datalist","dd","decorator","del","details","dfn","dialog","dir","div","dl","dt","element","em","fieldset","figcaption","figure","font","footer","form","h1","h2","h3","h4","h5","h6","head","header","hgroup","hr","html","i","img","input","ins","kbd","label","legend","li","main","map","mark","marquee","menu","menuitem","meter","nav","nobr","ol","optgroup","option","output","p","picture","pre","progress","q","rp","rt","ruby","s","samp","search","section","select","shadow","slot","small","source","spacer","span","strike","strong","style","sub","summary","sup","table","tbody","td","template","textarea","tfoot","th","thead","time","tr","track","tt","u","ul","var","video","wbr"]),br=ie(["svg","a","altglyph","altglyphdef","altglyphitem","animatecolor","animatemotion","animatetransform","circle","clippath","defs","desc","ellipse","filter","font","g","glyph","glyphref","hkern","image","line","lineargradient","marker","mask","metadata","mpath","path","pattern","polygon","polyline","radialgradient","rect","stop","style","switch","symbol","text","textpath","title","tref","tspan","view","vkern"]),vr=ie(["feBlend","feColorMatrix","feComponentTransfer","feComposite","feConvolveMatrix","feDiffuseLighting","feDisplacementMap","feDistantLight","feDropShadow","feFlood","feFuncA","feFuncB","feFuncG","feFuncR","feGaussianBlur","feImage","feMerge","feMergeNode","feMorphology","feOffset","fePointLight","feSpecularLighting","feSpotLight","feTile","feTurbulence"]),el=ie(["animate","color-profile","cursor","discard","font-face","font-face-format","font-face-name","font-face-src","font-face-uri","foreignobject","hatch","hatchpath","mesh","meshgradient","meshpatch","meshrow","missing-glyph","script","set","solidcolor","unknown","use"]),xr=ie(["math","menclose","merror","mfenced","mfrac","mglyph","mi","mlabeledtr","mmultiscripts","mn","mo","mover","mpadded","mphantom","mroot","mrow","ms","mspace","msqrt","mstyle","msub","msup","msubsup","mtable","mtd","mtext","mtr","munder","munderover","mprescripts"]),tl=ie(["maction","maligngroup","malignmark","mlongdiv","mscarries","mscarry","msgroup","mstack","msline","msrow","semantics","annotation","annotation-xml","mprescripts","none"]),Yi=ie(["#text"]),Ki=ie(["accept","action","align","alt","autocapitalize","autocomplete","autopictureinpicture","autoplay","background","bgcolor","border","capture","cellpadding","cellspacing","checked","cite","class","clear","color","cols","colspan","command","commandfor","controls","controlslist","coords","crossorigin","datetime","decoding","default","dir","disabled","disablepictureinpicture","disableremoteplayback","download","draggable","enctype","enterkeyhint","exportparts","face","for","headers","height","hidden","high","href","hreflang","id","inert","inputmode","integrity","ismap","kind","label","lang","list","loading","loop","low","max","maxlength","media","method","min","minlength","multiple","muted","name","nonce","noshade","novalidate","nowrap","open","optimum","part","pattern","placeholder","playsinline","popover","popovertarget","popovertargetaction","poster","preload","pubdate","radiogroup","readonly","rel","required","rev","reversed","role","rows","rowspan","spellcheck","scope","selected","shape","size","sizes","slot","span","srclang","start","src","srcset","step","style","summary","tabindex","title","translate","type","usemap","valign","value","width","wrap","xmlns"]),wr=ie(["accent-height","accumulate","additive","alignment-baseline","amplitude","ascent","attributename","attributetype","azimuth","basefrequency","baseline-shift","begin","bias","by","class","clip","clippathunits","clip-path","clip-rule","color","color-interpolation","color-interpolation-filters","color-profile","color-rendering","cx","cy","d","dx","dy","diffuseconstant","direction","display","divisor","dominant-baseline","dur","edgemode","elevation","end","exponent","fill","fill-opacity","fill-rule","filter","filterunits","flood-color","flood-opacity","font-family","font-size","font-size-adjust","font-stretch","font-style","font-variant","font-weight","fx","fy","g1","g2","glyph-name","glyphref","gradientunits","gradienttransform","height","href","id","image-rendering","in","in2","intercept","k","k1","k2","k3","k4","kerning","keypoints","keysplines","keytimes","lang","lengthadjust","letter-spacing","kernelmatrix","kernelunitlength","lighting-color","local","marker-end","marker-mid","marker-start","markerheight","markerunits","markerwidth","maskcontentunits","maskunits","max","mask","mask-type","media","method","mode","min","name","numoctaves","offset","operator","opacity","order","orient","orientation","origin","overflow","paint-order","path","pathlength","patterncontentunits","patterntransform","patternunits","pointer-events","points","preservealpha","preserveaspectratio","primitiveunits","r","rx","ry","radius","refx","refy","repeatcount","repeatdur","restart","result","rotate","scale","seed","shape-rendering","slope","specularconstant","specularexponent","spreadmethod","startoffset","stddeviation","stitchtiles","stop-color","stop-opacity","stroke-dasharray","stroke-dashoffset","stroke-linecap","stroke-linejoin","stroke-miterlimit","stroke-opacity","stroke","stroke-width","style","surfacescale","systemlanguage","tabindex","tablevalues","targetx","targety","transform","transform-origin","text-anchor","text-decoration","text-orientation","text-rendering","textlength","type","u1","u2","unicode","values","vector-effect","viewbox","visibility","version","vert-adv-y","vert-origin-x","vert-origin-y","width","word-spacing","wrap","writing-mode","xchannelselector","ychannelselector","x","x1","x2","xmlns","y","y1","y2","z","zoomandpan"]),Qi=ie(["accent","accentunder","align","bevelled","close","columnalign","columnlines","columnspacing","columnspan","denomalign","depth","dir","display","displaystyle","encoding","fence","frame","height","href","id","largeop","length","linethickness","lquote","lspace","mathbackground","mathcolor","mathsize","mathvariant","maxsize","minsize","movablelimits","notation","numalign","open","rowalign","rowlines","rowspacing","rowspan","rspace","rquote","scriptlevel","scriptminsize","scriptsizemultiplier","selection","separator","separators","stretchy","subscriptshift","supscriptshift","symmetric","voffset","width","xmlns"]),Kt=ie(["xlink:href","xml:id","xlink:title","xml:space","xmlns:xlink"]),nl=te(/{{[\w\W]*|^[\w\W]*}}/g),rl=te(/<%[\w\W]*|^[\w\W]*%>/g),il=te(/\${[\w\W]*/g),ol=te(/{{|}}|\${|<%|%>|&lt;%|%&gt;/),sl=te(/^data-[\-\w.\u00B7-\uFFFF]+$/),al=te(/^aria-[\-\w]+$/),eo=te(/^(?:(?:(?:f|ht)tps?|mailto|tel|callto|sms|cid|xmpp|matrix):|[^a-z]|[a-z+.\-]+(?:[^a-z+.\-:]|$))/i),ll=te(/^(?:\w+script|data):/i),cl=te(/[\u0000-\u0020\u00A0\u1680\u180E\u2000-\u2029\u205F\u3000]/g),ul=te(/^html$/i),dl=te(/^[a-z][.\w]*(-[.\w]+)+$/i),kr=te(/<[/\w!]/g),to=te(/<[/\w]/g),hl=te(/<\/no(script|embed|frames)/i),no=te(/\/>/i),fl=te(/((--!?|])>)|<\/(style|script|title|xmp|textarea|noscript|iframe|noembed|noframes)/i),pl=te(/^[\r\n\t ]+/),Q={element:1,text:3,processingInstruction:7,comment:8,document:9,documentFragment:11},ml=ie(U({},["style","script","xmp","iframe","noembed","noframes","plaintext","noscript"])),gl=function(){return typeof window>"u"?null:window},bl=function(t,n){if(typeof t!="object"||typeof t.createPolicy!="function")return null;let r=null,i="data-tt-policy-suffix";n&&n.hasAttribute(i)&&(r=n.getAttribute(i));let o="dompurify"+(r?"#"+r:"");try{return t.createPolicy(o,{createHTML(s){return s},createScriptURL(s){return s}})}catch{return console.warn("TrustedTypes policy "+o+" could not be created."),null}},ro=function(){return{afterSanitizeAttributes:[],afterSanitizeElements:[],afterSanitizeShadowDOM:[],beforeSanitizeAttributes:[],beforeSanitizeElements:[],beforeSanitizeShadowDOM:[],uponSanitizeAttribute:[],uponSanitizeElement:[],uponSanitizeShadowNode:[]}},ze=function(t,n,r,i){return le(t,n)&&rt(t[n])?U(i.base?vt(i.base):{},t[n],i.transform):r},_r=function(t,n,r){let i=le(t,n)?t[n]:void 0;return i&&typeof i=="object"?en(i):r};function co(){let e=arguments.length>0&&arguments[0]!==void 0?arguments[0]:gl(),t=w=>co(w);if(t.version="3.4.18",t.removed=[],!e||!e.document||e.document.nodeType!==Q.document||!e.Element)return t.isSupported=!1,t;let n=e.document,r=n,i=r.currentScript,o=e.HTMLTemplateElement,s=e.Node,a=e.Element,c=e.NodeFilter,u=e.DOMParser,h=e.trustedTypes,d=a.prototype,g=de(d,"cloneNode"),m=de(d,"remove"),p=de(d,"removeAttributeNode"),_=de(d,"nextSibling"),x=de(d,"childNodes"),R=de(d,"parentNode"),T=de(d,"shadowRoot"),y=de(d,"attributes"),E=s&&s.prototype?de(s.prototype,"nodeType"):null,C=s&&s.prototype?de(s.prototype,"nodeName"):null,D=s&&s.prototype?de(s.prototype,"ownerDocument"):null,I=function(l){return E?E(l):l.nodeType},N=function(l){return C?C(l):l.nodeName},O=Ka(d,"namespaceURI"),z=function(l){return O?O(l):l.namespaceURI};if(typeof o=="function"){let w=n.createElement("template");w.content&&w.content.ownerDocument&&(n=w.content.ownerDocument)}let M,A="",F,B=!1,$=0,J=function(){if($>0)throw De('A configured TRUSTED_TYPES_POLICY callback (createHTML or createScriptURL) must not call DOMPurify.sanitize, as that causes infinite recursion. Do not pass a policy whose callbacks wrap DOMPurify as TRUSTED_TYPES_POLICY; see the "DOMPurify and Trusted Types" section of the README.')},G=function(l){J(),$++;try{return M.createHTML(l)}finally{$--}},_e=function(l){return M&&Pn?G(l):l},ye=function(l){J(),$++;try{return M.createScriptURL(l)}finally{$--}},Ze=function(){return B||(F=bl(h,i),B=!0),F},Xe=n,Fn=Xe.implementation,Ws=Xe.createNodeIterator,Js=Xe.createDocumentFragment,qs=Xe.getElementsByTagName,Gs=r.importNode,Z=ro();t.isSupported=typeof io=="function"&&typeof R=="function"&&Fn&&Fn.createHTMLDocument!==void 0;let Zs=nl,Xs=rl,Ys=il,Ks=sl,Qs=al,ea=ll,ta=cl,na=dl,Yr=eo,X=null,Mn=U({},[...Xi,...br,...vr,...xr,...Yi]),Y=null,Ln=U({},[...Ki,...wr,...Qi,...Kt]),ge=null,ct=null,Kr=null,Me=Object.seal(Ne(null,{tagCheck:{writable:!0,configurable:!1,enumerable:!0,value:null},attributeCheck:{writable:!0,configurable:!1,enumerable:!0,value:null}})),Qr=!0,In=!0,ei=!1,zn=!0,Ae=!1,$e=!0,je=!1,Nn=!1,Lt=null,It=null,On=!1,Ye=!1,zt=!1,Pn=!1,ti=!0,ni=!1,ri="user-content-",Bn=!0,$n=!1,He=null,Ke=!1,Ue=null,ii=U({},["annotation-xml","audio","colgroup","desc","foreignobject","head","iframe","math","mi","mn","mo","ms","mtext","noembed","noframes","noscript","plaintext","script","selectedcontent","style","svg","template","thead","title","video","xmp"]),oi=null,si=U({},["audio","video","img","source","image","track"]),ai=null,li=U({},["alt","class","for","id","label","name","pattern","placeholder","role","summary","title","value","style","xmlns"]),Nt="http://www.w3.org/1998/Math/MathML",Ot="http://www.w3.org/2000/svg",be="http://www.w3.org/1999/xhtml",Qe=be,jn=!1,ci=null,ra=U({},[Nt,Ot,be],mr),ia=ie(U({},["mi","mo","mn","ms","mtext"])),Hn=null,oa=ie(U({},["annotation-xml"])),Un=null,sa=ie(Ne(null)),aa=U({},["title","style","font","a","script"]),ut=null,la=["application/xhtml+xml","text/html"],ca="text/html",K=null,Pt=null,ua=n.createElement("form"),ui=function(l){return l instanceof RegExp||l instanceof Function},Vn=function(){let l=arguments.length>0&&arguments[0]!==void 0?arguments[0]:{};(!l||typeof l!="object")&&(l={}),l=en(l),ut=la.indexOf(l.PARSER_MEDIA_TYPE)===-1?ca:l.PARSER_MEDIA_TYPE,K=ut==="application/xhtml+xml"?mr:We,X=ze(l,"ALLOWED_TAGS",Mn,{transform:K}),Y=ze(l,"ALLOWED_ATTR",Ln,{transform:K}),ci=ze(l,"ALLOWED_NAMESPACES",ra,{transform:mr}),ai=ze(l,"ADD_URI_SAFE_ATTR",li,{transform:K,base:li}),oi=ze(l,"ADD_DATA_URI_TAGS",si,{transform:K,base:si}),Ue=ze(l,"FORBID_CONTENTS",ii,{transform:K}),ct=ze(l,"FORBID_TAGS",Ne(null),{transform:K}),Kr=ze(l,"FORBID_ATTR",Ne(null),{transform:K}),Ke=le(l,"USE_PROFILES")?l.USE_PROFILES&&typeof l.USE_PROFILES=="object"?en(l.USE_PROFILES):l.USE_PROFILES:!1,Qr=l.ALLOW_ARIA_ATTR!==!1,In=l.ALLOW_DATA_ATTR!==!1,ei=l.ALLOW_UNKNOWN_PROTOCOLS||!1,zn=l.ALLOW_SELF_CLOSE_IN_ATTR!==!1,Ae=l.SAFE_FOR_TEMPLATES||!1,$e=l.SAFE_FOR_XML!==!1,je=l.WHOLE_DOCUMENT||!1,Ye=l.RETURN_DOM||!1,zt=l.RETURN_DOM_FRAGMENT||!1,Pn=l.RETURN_TRUSTED_TYPE||!1,On=l.FORCE_BODY||!1,ti=l.SANITIZE_DOM!==!1,ni=l.SANITIZE_NAMED_PROPS||!1,Bn=l.KEEP_CONTENT!==!1,$n=l.IN_PLACE||!1,Yr=Qa(l.ALLOWED_URI_REGEXP)?l.ALLOWED_URI_REGEXP:eo,Qe=typeof l.NAMESPACE=="string"?l.NAMESPACE:be,Hn=_r(l,"MATHML_TEXT_INTEGRATION_POINTS",ia),Un=_r(l,"HTML_INTEGRATION_POINTS",oa);let f=_r(l,"CUSTOM_ELEMENT_HANDLING",sa);if(ge=Ne(null),le(f,"tagNameCheck")&&ui(f.tagNameCheck)&&(ge.tagNameCheck=f.tagNameCheck),le(f,"attributeNameCheck")&&ui(f.attributeNameCheck)&&(ge.attributeNameCheck=f.attributeNameCheck),le(f,"allowCustomizedBuiltInElements")&&typeof f.allowCustomizedBuiltInElements=="boolean"&&(ge.allowCustomizedBuiltInElements=f.allowCustomizedBuiltInElements),te(ge),Ae&&(In=!1),zt&&(Ye=!0),Ke&&((le(l,"ALLOWED_TAGS")||le(l,"ALLOWED_ATTR"))&&typeof console<"u"&&typeof console.warn=="function"&&console.warn("DOMPurify: USE_PROFILES overrides ALLOWED_TAGS and ALLOWED_ATTR. Do not use these options together."),X=U({},Yi),Y=Ne(null),Ke.html===!0&&(U(X,Xi),U(Y,Ki)),Ke.svg===!0&&(U(X,br),U(Y,wr),U(Y,Kt)),Ke.svgFilters===!0&&(U(X,vr),U(Y,wr),U(Y,Kt)),Ke.mathMl===!0&&(U(X,xr),U(Y,Qi),U(Y,Kt))),Me.tagCheck=null,Me.attributeCheck=null,le(l,"ADD_TAGS")&&(typeof l.ADD_TAGS=="function"?Me.tagCheck=l.ADD_TAGS:rt(l.ADD_TAGS)&&(X===Mn&&(X=vt(X)),U(X,l.ADD_TAGS,K))),le(l,"ADD_ATTR")&&(typeof l.ADD_ATTR=="function"?Me.attributeCheck=l.ADD_ATTR:rt(l.ADD_ATTR)&&(Y===Ln&&(Y=vt(Y)),U(Y,l.ADD_ATTR,K))),le(l,"ADD_FORBID_CONTENTS")&&rt(l.ADD_FORBID_CONTENTS)&&(Ue===ii&&(Ue=vt(Ue)),U(Ue,l.ADD_FORBID_CONTENTS,K)),Bn&&(X["#text"]=!0),je&&U(X,["html","head","body"]),X.table&&(X.tbody=!0,delete ct.tbody),l.TRUSTED_TYPES_POLICY){if(typeof l.TRUSTED_TYPES_POLICY.createHTML!="function")throw De('TRUSTED_TYPES_POLICY configuration option must provide a "createHTML" hook.');if(typeof l.TRUSTED_TYPES_POLICY.createScriptURL!="function")throw De('TRUSTED_TYPES_POLICY configuration option must provide a "createScriptURL" hook.');let v=M;M=l.TRUSTED_TYPES_POLICY;try{A=G("")}catch(k){throw M=v,k}}else l.TRUSTED_TYPES_POLICY===null?(M=void 0,A=""):(M===void 0&&(M=Ze()),M&&typeof A=="string"&&(A=G("")));Pt=ie(l)},di=U({},[...br,...vr,...el]),hi=U({},[...xr,...tl]),da=function(l,f,v){return f===be?l==="svg":f===Nt?l==="svg"&&(v==="annotation-xml"||Hn[v]):!!di[l]},ha=function(l,f,v){return f===be?l==="math":f===Ot?l==="math"&&Un[v]:!!hi[l]},fa=function(l,f,v){return f===Ot&&!Un[v]||f===Nt&&!Hn[v]?!1:!hi[l]&&(aa[l]||!di[l])},pa=function(l){let f=z(l),v=We(N(l)),k=R(l),L=Qe,P="template";return k&&I(k)===Q.element&&(L=z(k),P=We(N(k))),ci[f]?f===Ot?da(v,L,P):f===Nt?ha(v,L,P):f===be?fa(v,L,P):ut==="application/xhtml+xml":!1},Le=function(l){mt(t.removed,{element:l});try{R(l).removeChild(l)}catch{if(m(l),!R(l))throw De("a node selected for removal could not be detached from its tree and cannot be safely returned; refusing to sanitize in place")}},fi=function(l,f,v){try{p(l,f)}catch{try{l.removeAttribute(v)}catch{}}},Wn=function(l){Gn(l);let f=x(l);f&&Te(Ua(f),v=>{try{m(v)}catch{}}),I(l)===Q.element&&Jn(l,!1)},et=function(l,f,v){if(!v)try{v=f.getAttributeNode(l)}catch{v=null}if(mt(t.removed,{attribute:v||null,from:f}),v)fi(f,v,l);else try{f.removeAttribute(l)}catch{}if(l==="is")if(Ye||zt)try{Le(f)}catch{}else try{f.setAttribute(l,"")}catch{}},Jn=function(l,f){let v=y(l);if(v)for(let k=v.length-1;k>=0;--k){let L=v[k],P=L&&L.name;typeof P=="string"&&!(f&&Y[K(P)])&&fi(l,L,P)}},qn=function(l,f){let v=arguments.length>2&&arguments[2]!==void 0?arguments[2]:!1,k=[l];for(;k.length>0;){let L=k.pop();if(f(L)===!1)continue;if(v&&I(L)===Q.element){let j=T(L);tt(j)&&k.push(j)}let P=x(L);if(P)for(let j=P.length-1;j>=0;--j)k.push(P[j])}},Gn=function(l){qn(l,f=>{I(f)===Q.element&&Jn(f,!0)})},Zn=function(l){let f=[];return qn(l,v=>{f.push(v)},!0),f},ma=function(l,f){let v=fr();Te(Zn(l),k=>{I(k)===Q.element&&pr(v,k)}),Te(f,k=>{I(k)===Q.element&&!gt(v,k)&&Jn(k,!0)})},pi=function(l,f){let v=!1;return Te(t.removed,k=>{k.element&&(v=v||k.element===l,Gn(k.element))}),ma(l,f),v},ga=8,ba=function(l,f){let v=He,k=null,L=()=>(k||(k=fr(),Te(f,P=>{pr(k,P)})),k);for(let P=0;;P++){let j=Zn(l),ne=[l],Ee=!1;if(Te(j,pe=>{I(pe)===Q.documentFragment?mt(ne,pe):!Ee&&!gt(v,pe)&&(Ee=gt(L(),pe))}),!Ee)return;if(P>=ga)throw De("the tree kept changing during in-place sanitization; refusing to return it");Te(ne,(pe,ue)=>{va(pe,ue>0,l,L())})}},va=function(l,f,v,k){let L=Bt(l),P;for(;P=L.nextNode();)!gt(k,P)||gt(He,P)||(f&&fe(Z.uponSanitizeShadowNode,P,null),Qn(P,v))},xa=function(l){He&&pr(He,l)},mi=function(l,f){return $e?l==="patchsrc"?!0:l==="for"&&f!=="label"&&f!=="output":!1},wa=function(l){$e&&qn(l,f=>{let v=I(f);if(v===Q.processingInstruction||v===Q.comment&&re(to,f.data)){try{m(f)}catch{}return!1}if(v===Q.element){let k=f,L=K(N(f));try{k.hasAttribute&&k.hasAttribute("patchsrc")&&k.removeAttribute("patchsrc"),k.hasAttribute&&k.hasAttribute("for")&&mi("for",L)&&k.removeAttribute("for")}catch{}}return!0})},gi=function(l){let f=null,v=null;if(On)l="<remove></remove>"+l;else{let P=Wa(l,pl);v=P&&P[0]}ut==="application/xhtml+xml"&&Qe===be&&(l='<html xmlns="http://www.w3.org/1999/xhtml"><head></head><body>'+l+"</body></html>");let k=M?G(l):l;if(Qe===be)try{f=new u().parseFromString(k,ut)}catch{}if(!f||!f.documentElement){f=Fn.createDocument(Qe,"template",null);try{f.documentElement.innerHTML=jn?A:k}catch{}}let L=f.body||f.documentElement;return l&&v&&L.insertBefore(n.createTextNode(v),L.childNodes[0]||null),Qe===be?qs.call(f,je?"html":"body")[0]:je?f.documentElement:L},Bt=function(l){let f=arguments.length>1&&arguments[1]!==void 0?arguments[1]:!1,v=D?D(l):l.ownerDocument;return Ws.call(v||l,l,(f?0:c.SHOW_ELEMENT)|c.SHOW_COMMENT|c.SHOW_TEXT|c.SHOW_PROCESSING_INSTRUCTION|c.SHOW_CDATA_SECTION,null)},Xn=function(l){return l=Yt(l,Zs," "),l=Yt(l,Xs," "),l=Yt(l,Ys," "),l},Yn=function(l){var f;Kn(l);let v=(f=l.querySelectorAll)===null||f===void 0?void 0:f.call(l,"template");v&&Te(v,k=>{tt(k.content)&&Yn(k.content)})},Kn=function(l){l.normalize();let f=Bt(l,!0),v=f.nextNode();for(;v;)v.data=Xn(v.data),v=f.nextNode()},$t=function(l){let f=C?C(l):null;return typeof f!="string"||K(f)!=="form"?!1:typeof l.nodeName!="string"||typeof l.textContent!="string"||typeof l.removeChild!="function"||l.attributes!==y(l)||typeof l.removeAttribute!="function"||typeof l.removeAttributeNode!="function"||typeof l.getAttributeNode!="function"||typeof l.setAttribute!="function"||typeof l.namespaceURI!="string"||typeof l.insertBefore!="function"||typeof l.hasChildNodes!="function"||l.nodeType!==E(l)||l.childNodes!==x(l)},bi=function(l){if(!E||typeof l!="object"||l===null)return null;try{let f=E(l);return typeof f=="number"?f:null}catch{return null}},tt=function(l){return bi(l)===Q.documentFragment},dt=function(l){return bi(l)!==null};function fe(w,l,f){w.length!==0&&Te(w,v=>{v.call(t,l,f,Pt)})}let ka=function(l,f,v){return!!($e&&v===Q.element&&l.hasChildNodes()&&!dt(l.firstElementChild)&&re(kr,l.textContent)&&re(kr,l.innerHTML)||$e&&ml[f]&&v===Q.element&&z(l)===be&&(dt(l.firstElementChild)||typeof l.textContent=="string"&&re(kr,l.textContent))||v===Q.processingInstruction||$e&&v===Q.comment&&re(to,l.data))},jt=function(l,f){if(l instanceof RegExp)return re(l,f);if(l instanceof Function){for(var v=arguments.length,k=new Array(v>2?v-2:0),L=2;L<v;L++)k[L-2]=arguments[L];return!!l(f,...k)}return!1},_a=function(l,f,v){if(!ct[f]&&wi(f)&&jt(ge.tagNameCheck,f))return!1;if(Bn&&!Ue[f]&&!Ue[We(f)]){let k=R(l),L=x(l);if(L&&k){let P=L.length;for(let j=P-1;j>=0;--j){let ne=l===v?g(L[j],!0):L[j];k.insertBefore(ne,_(l))}}}return Le(l),!0},vi=function(l,f,v,k){return l.length===0?f:f===v||f===k?vt(f):f},nt=function(l,f){return l===f||R(l)!==null?!1:($n&&Gn(l),!0)},ya=function(l,f){if(xa(l),fe(Z.beforeSanitizeElements,l,null),nt(l,f))return!0;if($t(l))return Le(l),!0;let v=K(N(l)),k=I(l);if(X=vi(Z.uponSanitizeElement,X,Mn,Lt),fe(Z.uponSanitizeElement,l,{tagName:v,allowedTags:X}),nt(l,f))return!0;if(ka(l,v,k))return Le(l),!0;if(ct[v]||!(Me.tagCheck instanceof Function&&Me.tagCheck(v))&&!X[v]){let L=_a(l,v,f);return L===!1&&(fe(Z.afterSanitizeElements,l,null),nt(l,f))?!0:L}if(k===Q.element&&!pa(l)||(v==="noscript"||v==="noembed"||v==="noframes")&&re(hl,l.innerHTML))return Le(l),!0;if(Ae&&k===Q.text){let L=l.textContent,P=Xn(L);L!==P&&(mt(t.removed,{element:l.cloneNode()}),l.textContent=P)}return fe(Z.afterSanitizeElements,l,null),nt(l,f)},xi=function(l,f,v){if(Kr[f]||mi(f,l)||ti&&(f==="id"||f==="name")&&(v in n||v in ua))return!1;let k=Y[f]||Me.attributeCheck instanceof Function&&Me.attributeCheck(f,l);if(In&&re(Ks,f)||Qr&&re(Qs,f))return!0;if(!k)return wi(l)&&jt(ge.tagNameCheck,l)&&jt(ge.attributeNameCheck,f,l)||f==="is"&&ge.allowCustomizedBuiltInElements&&jt(ge.tagNameCheck,v);if(ai[f])return!0;let L=Yt(v,ta,"");return re(Yr,L)||(f==="src"||f==="xlink:href"||f==="href")&&l!=="script"&&gr(v,"data:")===0&&oi[l]||ei&&!re(ea,L)?!0:!v},Aa=U({},["annotation-xml","color-profile","font-face","font-face-format","font-face-name","font-face-src","font-face-uri","missing-glyph"]),wi=function(l){return!Aa[We(l)]&&re(na,l)},Ea=function(l,f,v,k){if(M&&typeof h=="object"&&typeof h.getAttributeType=="function"&&!v)switch(h.getAttributeType(l,f)){case"TrustedHTML":return G(k);case"TrustedScriptURL":return ye(k)}return k},Ra=function(l,f,v,k){try{return v?l.setAttributeNS(v,f,k):l.setAttribute(f,k),$t(l)?(Le(l),!1):!0}catch{return et(f,l),!1}},ki=function(l,f){return $e&&re(fl,f)?!0:We(l)==="attributename"&&gr(f,"href")!==-1},Ca=function(l,f){if(fe(Z.beforeSanitizeAttributes,l,null),nt(l,f))return;let v=l.attributes;if(!v||$t(l))return;Y=vi(Z.uponSanitizeAttribute,Y,Ln,It);let k={attrName:"",attrValue:"",keepAttr:!0,allowedAttributes:Y,forceKeepAttr:void 0},L=v.length,P=K(N(l));for(;L--;){let j=v[L],ne=j.name,Ee=j.namespaceURI,pe=j.value,ue=K(ne),ve=pe,oe=ne==="value"?ve:Ja(ve),_i=!1;if(k.attrName=ue,k.attrValue=oe,k.keepAttr=!0,k.forceKeepAttr=void 0,fe(Z.uponSanitizeAttribute,l,k),oe=k.attrValue,ni&&(ue==="id"||ue==="name")&&gr(oe,ri)!==0&&(et(ne,l,j),oe=ri+oe,_i=!0),ki(ne,oe)){et(ne,l,j);continue}if(!k.forceKeepAttr){if(!k.keepAttr){et(ne,l,j);continue}if(!zn&&re(no,oe)){et(ne,l,j);continue}if(Ae&&(oe=Xn(oe)),!xi(P,ue,oe)){et(ne,l,j);continue}oe=Ea(P,ue,Ee,oe),oe!==ve&&Ra(l,ne,Ee,oe)&&_i&&qi(t.removed)}}fe(Z.afterSanitizeAttributes,l,null),nt(l,f)},Qn=function(l,f){ya(l,f),Ca(l,f),tt(l.content)&&er(l.content)},er=function(l){let f=null,v=Bt(l);for(fe(Z.beforeSanitizeShadowDOM,l,null);f=v.nextNode();)if(fe(Z.uponSanitizeShadowNode,f,null),Qn(f,l),I(f)===Q.element){let k=T(f);tt(k)&&(tr(k),er(k))}Ae&&Kn(l),fe(Z.afterSanitizeShadowDOM,l,null)},tr=function(l){let f=[{node:l,shadow:null}];for(;f.length>0;){let v=f.pop();if(v.shadow){er(v.shadow);continue}let k=v.node,L=I(k)===Q.element,P=x(k);if(P)for(let j=P.length-1;j>=0;--j)f.push({node:P[j],shadow:null});if(L){let j=C?C(k):null;if(typeof j=="string"&&K(j)==="template"){let ne=k.content;tt(ne)&&f.push({node:ne,shadow:null})}}if(L){let j=T(k);tt(j)&&f.push({node:null,shadow:j},{node:j,shadow:null})}}};return t.sanitize=function(w){let l=arguments.length>1&&arguments[1]!==void 0?arguments[1]:{},f=null,v=null,k=null,L=null;if(jn=!w,jn&&(w="<!-->"),typeof w!="string"&&!dt(w)&&(w=Ya(w),typeof w!="string"))throw De("dirty is not a string, aborting");if(!t.isSupported)return w;Nn?(X=Lt,Y=It):Vn(l),t.removed=[];let P=$n&&typeof w!="string"&&dt(w),j=[],ne=He;if(P){wa(w);let ve=N(w);if(typeof ve=="string"){let oe=K(ve);if(!X[oe]||ct[oe])throw Wn(w),De("root node is forbidden and cannot be sanitized in-place")}if($t(w))throw Wn(w),De("root node is clobbered and cannot be sanitized in-place");j=Zn(w),He=fr()}else if(dt(w))f=gi("<!---->"),v=f.ownerDocument.importNode(w,!0),v.nodeType===Q.element&&v.nodeName==="BODY"||v.nodeName==="HTML"?f=v:f.appendChild(v),tr(f);else{if(!Ye&&!Ae&&!je&&w.indexOf("<")===-1)return _e(w);if(f=gi(w),!f)return Ye?null:Pn?A:""}f&&On&&Le(f.firstChild);let Ee=P?w:f;try{P&&tr(w);let ve=Bt(Ee);for(;k=ve.nextNode();)Qn(k,Ee);P&&ba(w,j)}catch(ve){throw P&&(Wn(w),pi(w,j)),ve}finally{He=ne}if(P){if(pi(w,j))throw De("a node selected for removal could not be safely returned; refusing to sanitize in place");return Ae&&Yn(w),w}if(Ye){if(Ae&&Yn(f),zt)for(L=Js.call(f.ownerDocument);f.firstChild;)L.appendChild(f.firstChild);else L=f;return(Y.shadowroot||Y.shadowrootmode)&&(L=Gs.call(r,L,!0)),L}let pe=()=>je?f.outerHTML:f.innerHTML,ue=pe();return Ae&&re(ol,ue)&&(Kn(f),ue=pe()),je&&X["!doctype"]&&f.ownerDocument&&f.ownerDocument.doctype&&f.ownerDocument.doctype.name&&re(ul,f.ownerDocument.doctype.name)&&(ue="<!DOCTYPE "+f.ownerDocument.doctype.name+`>
`+ue),_e(ue)},t.setConfig=function(){let w=arguments.length>0&&arguments[0]!==void 0?arguments[0]:{};Vn(w),Nn=!0,Lt=X,It=Y},t.clearConfig=function(){Pt=null,Nn=!1,Lt=null,It=null,M=F,A=""},t.isValidAttribute=function(w,l,f){Pt||Vn({});let v=K(w),k=K(l);return typeof f=="string"&&(ki(l,f)||!zn&&re(no,f))?!1:xi(v,k,f)},t.addHook=function(w,l){typeof l=="function"&&le(Z,w)&&mt(Z[w],l)},t.removeHook=function(w,l){if(le(Z,w)){if(l!==void 0){let f=Ha(Z[w],l);return f===-1?void 0:Va(Z[w],f,1)[0]}return qi(Z[w])}},t.removeHooks=function(w){le(Z,w)&&(Z[w]=[])},t.removeAllHooks=function(){Z=ro()},t}var it=co();var vl="a blockquote br code div em h3 hr img li ol p pre s strong table tbody td th thead tr ul".split(" "),xl=["align","alt","class","href","src","start"],wl=/^(language-[\w.+#-]{1,40}|depth-[1-6])$/,kl=/^(left|right|center)$/,uo=!1,tn,nn=new Map;function ho(e){return t=>{if(!it.isSupported)return Rl(t);uo||_l(),tn=e(),nn.clear();let n=it.sanitize(t,{RETURN_DOM_FRAGMENT:!0});for(let[r,i]of nn)n.contains(r)&&r.replaceWith(El(r,i));return n}}function _l(){uo=!0,it.setConfig({ALLOWED_TAGS:vl,ALLOWED_ATTR:xl,ALLOW_DATA_ATTR:!1,ALLOW_ARIA_ATTR:!1,RETURN_DOM_FRAGMENT:!0}),it.addHook("uponSanitizeAttribute",(e,t)=>{let{attrName:n,attrValue:r}=t;(n==="class"&&!wl.test(r)||n==="align"&&!kl.test(r))&&(t.keepAttr=!1),(n==="href"||n==="src")&&(t.forceKeepAttr=!0)}),it.addHook("afterSanitizeAttributes",e=>{e.localName==="a"&&yl(e),e.localName==="img"&&Al(e)})}function yl(e){let t=e.getAttribute("href")??"",n=Pi(t,tn);if(n===null){e.removeAttribute("href"),nn.set(e,t);return}e.setAttribute("href",n),!$i(n,tn)&&(e.setAttribute("target","_blank"),e.setAttribute("rel","noopener noreferrer nofollow"))}function Al(e){let t=Bi(e.getAttribute("src")??"",tn);if(t===null){e.removeAttribute("src"),nn.set(e,"");return}e.setAttribute("src",t),e.setAttribute("loading","lazy"),e.setAttribute("referrerpolicy","no-referrer")}function El(e,t){let n=document.createElement("span");if(e.localName==="img")return n.className="picture",n.textContent=e.getAttribute("alt")||"…",n;if(n.append(...e.childNodes),t!==""&&n.textContent!==t){let r=document.createElement("span");r.className="address",r.textContent=` (${t})`,n.append(r)}return n}function Rl(e){let t=document.createDocumentFragment();return t.append(e),t}var xt=class{#e;constructor(t){this.#e=`frontdesk:${t}:`}get(t){try{return sessionStorage.getItem(this.#e+t)}catch{return null}}set(t,n){try{n===null||n===""?sessionStorage.removeItem(this.#e+t):sessionStorage.setItem(this.#e+t,n)}catch{}}};function b(e,t={},...n){let r=document.createElement(e);for(let[i,o]of Object.entries(t))typeof o=="function"?r.addEventListener(i.slice(2),o):o===!0?r.setAttribute(i,""):o!==!1&&o!=null&&r.setAttribute(i,String(o));return r.append(...n.filter(i=>i!==null)),r}function V(e,...t){let n=t.filter(i=>i!==null);n.length===e.childNodes.length&&n.every((i,o)=>i===e.childNodes[o])||e.replaceChildren(...n)}function he(e,t){e.textContent!==t&&(e.textContent=t)}var Cl={chat:["M20 11.5a7.5 7.5 0 0 1-11 6.6L4 20l1.9-4.7A7.5 7.5 0 1 1 20 11.5z","M9 10.5h6","M9 13.5h3.5"],close:["M6 6l12 12","M18 6L6 18"],send:["M12 19V5","M6 11l6-6 6 6"],stop:["M8 8h8v8H8z"],list:["M4 7h16","M4 12h16","M4 17h10"],plus:["M12 5v14","M5 12h14"],back:["M14.5 6l-6 6 6 6"],search:["M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z","M20 20l-4-4"],pencil:["M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19l-4 1z","M14.5 6.5l3 3"],trash:["M5 7h14","M10 7V4.5h4V7","M7 7l.8 12.5h8.4L17 7","M10.3 11v5","M13.7 11v5"],copy:["M9 9h10v11H9z","M6 15H5V4h10v2"],check:["M5 12.5l4.5 4.5L19 7.5"],up:["M7 11v9H4v-9h3z","M7 11l4-7c1.5 0 2.5 1 2.2 2.6L12.6 10H18a2 2 0 0 1 2 2.4l-1.2 6A2 2 0 0 1 16.8 20H7"],down:["M7 13V4H4v9h3z","M7 13l4 7c1.5 0 2.5-1 2.2-2.6L12.6 14H18a2 2 0 0 0 2-2.4l-1.2-6A2 2 0 0 0 16.8 4H7"],again:["M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9","M20 4v5h-5"],arrowDown:["M12 5v14","M6 13l6 6 6-6"],chevron:["M8 10l4 4 4-4"],offline:["M4 4l16 16","M8.5 12.6a6 6 0 0 1 3-1.5","M5.5 9.4a10 10 0 0 1 3-1.8","M12 7c2.5 0 4.8.9 6.5 2.5","M12 17.5v.01"],warning:["M12 4.5l8.5 15h-17z","M12 10.5v4","M12 17v.01"],tool:["M14.5 6.5a4 4 0 0 0 5 5L11 20a2.1 2.1 0 0 1-3-3l6.5-6.5","M14.5 6.5a4 4 0 0 1 4.5-2l-2 2 .5 1.5 1.5.5 2-2a4 4 0 0 1-1.5 4"],spark:["M12 4l1.8 5.2L19 11l-5.2 1.8L12 18l-1.8-5.2L5 11l5.2-1.8z","M18.5 16.5v4","M16.5 18.5h4"],shield:["M12 3.5l7 2.5v5.5c0 4.3-2.9 7.4-7 9-4.1-1.6-7-4.7-7-9V6z","M9 12l2.2 2.2L15.2 10"],bolt:["M13 3.5L5.5 13.5H12l-1 7 7.5-10H12z"]},fo="http://www.w3.org/2000/svg";function H(e){let t=document.createElementNS(fo,"svg");t.setAttribute("viewBox","0 0 24 24"),t.setAttribute("class",`icon icon-${e}`),t.setAttribute("aria-hidden","true");for(let n of Cl[e]){let r=document.createElementNS(fo,"path");r.setAttribute("d",n),t.append(r)}return t}var Tl=12,Je=class{element;constructor(t="polite"){this.element=b("div",{class:"unseen live","aria-live":t,"aria-relevant":"additions"})}say(t){let n=t.replace(/\s+/g," ").trim();if(n!=="")for(this.element.append(b("p",{},n));this.element.childElementCount>Tl;)this.element.firstElementChild?.remove()}};var rn=class{element;button;#e;#n=new Je;#t=b("span",{class:"unread"});#i=H("chat");#o=H("close");#s=!1;constructor(t,n){this.#e=t,this.button=b("button",{type:"button",class:"launcher","aria-expanded":"false",onclick:n}),this.element=b("div",{class:"corner"},this.button,this.#n.element),this.update(!1,!1)}update(t,n){let r=this.#e,i=t?r.close:n?`${r.open} (${r.unread})`:r.open;this.button.setAttribute("aria-expanded",String(t)),this.button.setAttribute("aria-label",i),V(this.button,t?this.#o:this.#i,n?this.#t:null),n&&!this.#s&&this.#n.say(r.unread),this.#s=n}};var Dl="(max-width: 480px)",on=class{elements;#e;#n;#t;#i;#o=matchMedia(Dl);#s=new AbortController;constructor(t,n,r,i){this.#e=t,this.#i=r,this.#n=new rn(n,()=>i(!this.#t.open)),this.#t=b("dialog",{"aria-label":n.assistant,dir:n.direction,tabindex:-1},t.element),this.#t.addEventListener("cancel",s=>{s.preventDefault(),i(!1)}),this.elements=[this.#n.element,this.#t],this.#n.element.dir=n.direction;let{signal:o}=this.#s;this.#o.addEventListener("change",()=>this.arrange(),{signal:o}),visualViewport?.addEventListener("resize",()=>this.#l(),{signal:o})}show(t,{focus:n}){t!==this.#t.open&&(t?this.#a(n):this.#c(n))}arrange(){!this.#t.open||this.#r===this.#t.classList.contains("sheet")||(this.#t.close(),this.#a(!1))}update(t){this.#n.update(this.#t.open,t)}close(){this.#s.abort()}get#r(){let t=this.#i();return t==="mobile"||t==="auto"&&this.#o.matches}#a(t){let n=this.#r;this.#t.classList.toggle("sheet",n),n?(this.#l(),this.#t.showModal(),this.#t.focus()):(this.#t.open=!0,t&&this.#e.focusComposer())}#c(t){this.#t.close(),t&&this.#n.button.focus()}#l(){let t=this.#t.classList.contains("sheet")?`${visualViewport?.height??innerHeight}px`:"";this.#t.style.setProperty("--visible",t)}};var po=`/* Where one writes. */
.composer {
  padding: 4px 16px 14px;
}

.composer form {
  max-inline-size: 46rem;
  margin-inline: auto;
  border: 1px solid var(--edge);
  border-radius: 18px;
  background: var(--surface);
  transition:
    border-color 120ms,
    box-shadow 120ms;
}

.composer form:focus-within {
  border-color: var(--accent-text);
  box-shadow: 0 0 0 3px color-mix(in oklab, var(--accent) 22%, transparent);
}

.composer .editing {
  display: flex;
  align-items: center;
  justify-content: space-between;
  gap: 8px;
  padding: 6px 8px 0 16px;
  padding-inline: 16px 8px;
  color: var(--muted);
  font-size: 0.85em;
}

.composer .editing button {
  min-block-size: 1.75rem;
  padding-inline: 8px;
  border-radius: 8px;
  color: var(--accent-text);
  font-weight: 500;
}

.composer .row {
  display: flex;
  align-items: end;
  gap: 6px;
  padding: 5px;
}

.composer textarea {
  flex: 1;
  min-inline-size: 0;
  min-block-size: 38px;
  max-block-size: 12.5rem;
  padding: 7px 4px 7px 11px;
  padding-inline: 11px 4px;
  border: 0;
  outline: 0;
  background: none;
  line-height: 24px;
  resize: none;
  field-sizing: content;
  scrollbar-width: thin;
}

.composer textarea::placeholder {
  color: var(--muted);
  opacity: 1;
}

.send {
  display: grid;
  place-items: center;
  flex: none;
  inline-size: 38px;
  block-size: 38px;
  border-radius: 13px;
  background: var(--accent);
  color: var(--on-accent);
  transition:
    background-color 140ms,
    color 140ms,
    transform 120ms;
}

.send:not(:disabled):active {
  transform: scale(0.93);
}

.send:disabled {
  background: var(--raised);
  color: var(--muted);
  opacity: 1;
}

.send.stop {
  background: var(--text);
  color: var(--surface);
}

.composer .over {
  margin: 0;
  padding: 0 16px 8px;
  color: var(--danger);
  font-size: 0.85em;
}
`;var mo=`/* The list of conversations: a drawer over the messages, or a column beside them where there is room. */
.conversations {
  position: absolute;
  z-index: 2;
  inset: 0;
  display: flex;
  flex-direction: column;
  background: var(--surface);
  animation: slide 200ms cubic-bezier(0.2, 0.8, 0.2, 1);
}

.conversations .head {
  padding-inline: 12px;
}

.icon-back:dir(rtl) {
  transform: scaleX(-1);
}

.conversations .head h2 {
  flex: 1;
}

.conversations .search {
  display: flex;
  align-items: center;
  gap: 8px;
  margin: 14px 16px 6px;
  padding-inline: 12px;
  border: 1px solid var(--edge);
  border-radius: 12px;
  color: var(--muted);
}

.conversations .search:focus-within {
  border-color: var(--accent-text);
  box-shadow: 0 0 0 3px color-mix(in oklab, var(--accent) 22%, transparent);
}

.conversations input {
  flex: 1;
  min-inline-size: 0;
  block-size: 2.4rem;
  border: 0;
  outline: 0;
  background: none;
  color: var(--text);
}

.conversations input::placeholder {
  color: var(--muted);
  opacity: 1;
}

.conversations ul {
  flex: 1;
  margin: 0;
  padding: 6px 10px 12px;
  overflow: hidden auto;
  list-style: none;
  scrollbar-width: thin;
  scrollbar-color: var(--line) transparent;
}

.conversations li {
  position: relative;
  display: flex;
  align-items: center;
  gap: 2px;
  padding: 2px 6px 2px 0;
  padding-inline: 0 6px;
  border-radius: 12px;
}

.conversations li:hover,
.conversations li:focus-within {
  background: var(--raised);
}

.conversations li.current {
  background: var(--accent-tint);
}

.conversations .open {
  flex: 1;
  min-inline-size: 0;
  padding: 8px 10px;
  border-radius: 12px;
  text-align: start;
}

.conversations .open b,
.conversations .open span {
  display: block;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.conversations .open b {
  font-weight: 500;
}

.conversations .open span {
  color: var(--muted);
  font-size: 0.8em;
}

.conversations li .tool {
  inline-size: 2rem;
  block-size: 2rem;
  font-size: 0.9em;
}

.conversations li .tool:hover {
  background: var(--line);
}

@media (hover: hover) {
  .conversations li:not(:hover, :focus-within) .tool {
    position: absolute;
    inset-inline-end: 0;
    opacity: 0;
    pointer-events: none;
  }
}

.conversations li form,
.conversations li .sure {
  display: flex;
  flex: 1;
  flex-wrap: wrap;
  align-items: center;
  gap: 6px;
  padding: 6px 4px 6px 10px;
  padding-inline: 10px 4px;
}

.conversations li form input {
  flex: 1 1 9em;
  padding-inline: 10px;
  border: 1px solid var(--edge);
  border-radius: 10px;
  background: var(--surface);
}

.conversations li form input:focus-visible {
  outline: 2px solid var(--accent-text);
}

.conversations li .sure span {
  flex: 1 1 9em;
}

.conversations .empty {
  padding: 24px 16px;
  color: var(--muted);
  text-align: center;
}

.conversations .more {
  justify-content: center;
  inline-size: 100%;
}

@container surface (inline-size >= 56rem) {
  .conversations {
    position: static;
    flex: none;
    inline-size: 18.5rem;
    border-inline-end: 1px solid var(--line);
    background: var(--sunken);
    animation: none;
  }
}

@keyframes slide {
  from {
    opacity: 0;
    transform: translateX(-14px);
  }
}
`;var go=`/* Where the widget stands: the launcher, the panel beside it, and the two modes that fill a place of the page. */
:host {
  display: block;
}

:host([hidden]) {
  display: none;
}

:host(:not([mode="inline"], [mode="page"])) {
  display: contents;
}

:host([mode="inline"]) {
  block-size: 640px;
  min-block-size: 320px;
}

:host([mode="page"]) {
  position: fixed;
  inset: 0;
}

.corner {
  position: fixed;
  z-index: var(--frontdesk-z-index, 2147483000);
  inset-block-end: max(var(--frontdesk-inset, 24px), env(safe-area-inset-bottom));
  inset-inline-end: var(--frontdesk-inset, 24px);
}

.launcher {
  position: relative;
  display: grid;
  place-items: center;
  inline-size: 56px;
  block-size: 56px;
  border-radius: 50%;
  background: var(--accent);
  color: var(--on-accent);
  box-shadow: var(--shadow);
  transition:
    transform 180ms cubic-bezier(0.2, 0.9, 0.3, 1.3),
    background-color 120ms;
}

.launcher:hover {
  transform: translateY(-2px);
}

.launcher:active {
  transform: scale(0.95);
}

.launcher:focus-visible {
  outline-offset: 3px;
}

.launcher .icon {
  inline-size: 26px;
  block-size: 26px;
}

.unread {
  position: absolute;
  inset-block-start: 1px;
  inset-inline-end: 1px;
  inline-size: 15px;
  block-size: 15px;
  border: 2px solid var(--surface);
  border-radius: 50%;
  background: #e5484d;
  animation: appear 260ms cubic-bezier(0.2, 0.9, 0.3, 1.4);
}

dialog {
  position: fixed;
  z-index: var(--frontdesk-z-index, 2147483000);
  inset: auto;
  inset-block-end: calc(var(--frontdesk-inset, 24px) + 72px);
  inset-inline-end: var(--frontdesk-inset, 24px);
  margin: 0;
  padding: 0;
  max-inline-size: none;
  max-block-size: none;
  inline-size: min(var(--frontdesk-width, 420px), 100vw - 2 * var(--frontdesk-inset, 24px));
  block-size: min(var(--frontdesk-height, 680px), 100dvh - var(--frontdesk-inset, 24px) - 96px);
  border: 1px solid var(--line);
  border-radius: var(--radius);
  background: var(--surface);
  box-shadow: var(--shadow);
  overflow: clip;
  opacity: 1;
  transform: none;
  transform-origin: bottom right;
  transition:
    opacity 160ms ease-out,
    transform 200ms cubic-bezier(0.2, 0.8, 0.2, 1);
}

dialog:dir(rtl) {
  transform-origin: bottom left;
}

@starting-style {
  dialog[open] {
    opacity: 0;
    transform: translateY(10px) scale(0.98);
  }
}

/* A sheet that covers a small screen. --visible is what a keyboard on the screen leaves of it. */
dialog.sheet {
  inset: 0;
  inline-size: 100%;
  block-size: var(--visible, 100dvh);
  border: 0;
  border-radius: 0;
  padding-block-end: env(safe-area-inset-bottom);
}

dialog::backdrop {
  background: var(--surface);
}

.surface {
  container: surface / inline-size;
  position: relative;
  display: flex;
  block-size: 100%;
  overflow: clip;
  background: var(--surface);
  color: var(--text);
  font-size: var(--size);
  line-height: 1.55;
  text-align: start;
  -webkit-font-smoothing: antialiased;
}

:host([mode="inline"]) .surface {
  border: var(--frontdesk-border, 1px solid var(--line));
  border-radius: var(--radius);
}

.desk {
  position: relative;
  display: flex;
  flex: 1;
  flex-direction: column;
  min-inline-size: 0;
}

.head {
  display: flex;
  align-items: center;
  gap: 4px;
  padding: 12px 12px 12px 20px;
  padding-inline: 20px 12px;
  border-block-end: 1px solid var(--line);
}

.head .mark {
  display: grid;
  place-items: center;
  flex: none;
  inline-size: 34px;
  block-size: 34px;
  margin-inline-end: 8px;
  border-radius: 11px;
  background: var(--accent-tint-strong);
  color: var(--accent-text);
}

.head .names {
  flex: 1;
  min-inline-size: 0;
}

.head h2 {
  margin: 0;
  overflow: hidden;
  font-size: 1em;
  font-weight: 600;
  line-height: 1.3;
  letter-spacing: -0.01em;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.head p {
  margin: 0;
  overflow: hidden;
  color: var(--muted);
  font-size: 0.8em;
  line-height: 1.35;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.head p:empty {
  display: none;
}

.notice {
  display: flex;
  align-items: center;
  gap: 10px;
  padding: 9px 20px;
  background: var(--notice-tint);
  color: var(--notice);
  font-size: 0.87em;
  line-height: 1.4;
}

.notice.error {
  background: var(--danger-tint);
  color: var(--danger);
}

.notice p {
  flex: 1;
  margin: 0;
}

.notice .button {
  min-block-size: 1.9rem;
  border-color: currentcolor;
  background: none;
}

@keyframes appear {
  from {
    opacity: 0;
    transform: scale(0.4);
  }
}
`;var bo=`/* An answer's text. */
.markdown {
  overflow-wrap: anywhere;
}

.stretch.whole {
  content-visibility: auto;
  contain-intrinsic-size: auto 2500px;
}

.block + .block,
.stretch + .stretch,
.block > * + * {
  margin-block-start: 0.75em;
}

.markdown :is(p, ul, ol, h3, pre, blockquote, table, hr) {
  margin: 0;
}

.markdown h3 {
  font-size: 1.02em;
  font-weight: 650;
  line-height: 1.35;
  letter-spacing: -0.01em;
}

.markdown .depth-1 {
  font-size: 1.25em;
}

.markdown .depth-2 {
  font-size: 1.13em;
}

.block + .block:has(> h3) {
  margin-block-start: 1.2em;
}

.markdown :is(ul, ol) {
  padding-inline-start: 1.4em;
}

.markdown ul {
  list-style-type: disc;
}

.markdown ul ul {
  list-style-type: circle;
}

.markdown li + li,
.markdown li > :is(ul, ol) {
  margin-block-start: 0.3em;
}

.markdown li > p + * {
  margin-block-start: 0.5em;
}

.markdown li::marker {
  color: var(--muted);
}

.markdown a {
  color: var(--accent-text);
  text-decoration-thickness: 1px;
  text-underline-offset: 3px;
}

.markdown .address {
  color: var(--muted);
  font-size: 0.9em;
}

.markdown .picture {
  padding: 1px 8px;
  border-radius: 6px;
  background: var(--raised);
  color: var(--muted);
}

.markdown img {
  max-inline-size: 100%;
  border-radius: 12px;
}

.markdown blockquote {
  padding-inline-start: 14px;
  border-inline-start: 3px solid var(--line);
  color: var(--muted);
}

.markdown hr {
  border: 0;
  border-block-start: 1px solid var(--line);
}

.markdown :not(pre) > code {
  padding: 0.12em 0.4em;
  border-radius: 6px;
  background: var(--raised);
  font-family: var(--mono);
  font-size: 0.88em;
}

.code {
  overflow: clip;
  border: 1px solid var(--line);
  border-radius: 14px;
  background: var(--sunken);
  direction: ltr;
}

.code-head {
  display: flex;
  align-items: center;
  justify-content: space-between;
  padding-inline: 14px 6px;
  border-block-end: 1px solid var(--line);
  color: var(--muted);
  font-size: 0.8em;
}

.copy-code {
  display: inline-flex;
  align-items: center;
  gap: 5px;
  min-block-size: 2rem;
  padding-inline: 8px;
  border-radius: 8px;
}

.copy-code:hover {
  color: var(--text);
}

.code-body {
  overflow-x: auto;
  scrollbar-width: thin;
}

.code-body:focus-visible,
.table:focus-visible {
  outline-offset: -2px;
}

.code pre {
  inline-size: max-content;
  min-inline-size: 100%;
  padding: 12px 14px;
  font-family: var(--mono);
  font-size: 0.86em;
  line-height: 1.6;
  tab-size: 4;
  text-align: left;
  overflow-wrap: normal;
}

.code code {
  font: inherit;
}

.table {
  overflow-x: auto;
  border: 1px solid var(--line);
  border-radius: 14px;
  scrollbar-width: thin;
}

.table table {
  inline-size: max-content;
  min-inline-size: 100%;
  border-collapse: collapse;
  font-size: 0.93em;
  font-variant-numeric: tabular-nums;
  overflow-wrap: normal;
}

.table :is(th, td) {
  max-inline-size: 17em;
  padding: 8px 14px;
  border-block-end: 1px solid var(--line);
  text-align: start;
  vertical-align: top;
}

.table [align="right"] {
  text-align: end;
}

.table [align="center"] {
  text-align: center;
}

.table th {
  background: var(--raised);
  color: var(--muted);
  font-size: 0.92em;
  font-weight: 600;
  white-space: nowrap;
}

.table tbody tr:last-child td {
  border-block-end: 0;
}

/* The place where the answer grows. */
.streaming .stretch:last-child > .block:last-child > :is(p, h3):last-child::after,
.streaming .stretch:last-child > .block:last-child > :is(ul, ol):last-child > li:last-child::after {
  content: "";
  display: inline-block;
  inline-size: 0.5em;
  block-size: 0.5em;
  margin-inline-start: 0.35em;
  border-radius: 50%;
  background: var(--accent-text);
  animation: breathe 1.1s ease-in-out infinite;
}
`;var vo=`/* The colors and measures of everything else. A page sets --frontdesk-…; the rest is worked out from those here. */
:host {
  --accent: var(--frontdesk-accent, #4f5bd5);
  --font: var(
    --frontdesk-font,
    Inter,
    system-ui,
    -apple-system,
    "Segoe UI",
    Roboto,
    "Noto Sans",
    "Helvetica Neue",
    Arial,
    sans-serif
  );
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  --size: var(--frontdesk-font-size, 15px);
  --radius: var(--frontdesk-radius, 20px);

  --surface: light-dark(#ffffff, #15171c);
  --raised: light-dark(#f6f6f8, #1d2027);
  --sunken: light-dark(#f2f3f5, #101216);
  --line: light-dark(#e5e6ea, #2b2f38);
  --edge: light-dark(#868b96, #70767f);
  --text: light-dark(#1a1c22, #eceef2);
  --muted: light-dark(#5c616d, #a2a8b4);
  --danger: light-dark(#b3261e, #ff9d94);
  --danger-tint: light-dark(#fdf0ef, #33191a);
  --notice-tint: light-dark(#fdf6e3, #2d2716);
  --notice: light-dark(#6d4f00, #f0cf7f);
  --good: light-dark(#1c7a45, #74d39b);
  --shadow: 0 1px 2px rgb(15 18 28 / 6%), 0 12px 40px rgb(15 18 28 / 18%);

  /* Dark enough to be read on the surface, whatever accent a page picks; and what can be read on the accent itself. */
  --accent-text: light-dark(
    oklch(from var(--accent) min(l, 0.5) c h),
    oklch(from var(--accent) max(l, 0.78) min(c, 0.14) h)
  );
  --on-accent: oklch(from var(--accent) calc((0.66 - l) * 1000) 0 h);
  --accent-tint: color-mix(in oklab, light-dark(var(--accent), var(--accent-text)) 10%, var(--surface));
  --accent-tint-strong: color-mix(in oklab, light-dark(var(--accent), var(--accent-text)) 18%, var(--surface));
  --accent-line: color-mix(in oklab, var(--accent-text) 38%, var(--line));

  color-scheme: light dark;
  font-family: var(--font);
  font-size: var(--size);
}

:host([theme="light"]) {
  color-scheme: light;
}

:host([theme="dark"]) {
  color-scheme: dark;
}

*,
*::before,
*::after {
  box-sizing: border-box;
}

[hidden] {
  display: none !important;
}

.icon {
  inline-size: 1.25em;
  block-size: 1.25em;
  flex: none;
  fill: none;
  stroke: currentcolor;
  stroke-width: 1.75;
  stroke-linecap: round;
  stroke-linejoin: round;
}

.icon-stop {
  fill: currentcolor;
}

button,
input,
textarea {
  font: inherit;
  color: inherit;
  letter-spacing: inherit;
}

button {
  border: 0;
  background: none;
  padding: 0;
  cursor: pointer;
  -webkit-tap-highlight-color: transparent;
}

button:disabled {
  cursor: default;
  opacity: 0.5;
}

:focus-visible {
  outline: 2px solid var(--accent-text);
  outline-offset: 2px;
}

.unseen {
  position: absolute;
  inline-size: 1px;
  block-size: 1px;
  margin: -1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

/* A button that is only a picture. */
.tool {
  display: inline-grid;
  place-items: center;
  inline-size: 2.25rem;
  block-size: 2.25rem;
  border-radius: 10px;
  color: var(--muted);
  transition:
    background-color 120ms,
    color 120ms;
}

.tool:hover,
.tool[aria-expanded="true"] {
  background: var(--raised);
  color: var(--text);
}

.button {
  display: inline-flex;
  align-items: center;
  gap: 0.4em;
  min-block-size: 2.25rem;
  padding-inline: 0.9em;
  border: 1px solid var(--line);
  border-radius: 10px;
  font-weight: 500;
  background: var(--surface);
  transition: background-color 120ms;
}

.button:hover {
  background: var(--raised);
}

.button.primary {
  border-color: transparent;
  background: var(--accent);
  color: var(--on-accent);
}

.button.primary:hover {
  background: color-mix(in oklab, var(--accent) 90%, var(--text));
}

.button.danger {
  border-color: transparent;
  background: var(--danger-tint);
  color: var(--danger);
}

@media (prefers-reduced-motion: reduce) {
  *,
  *::before,
  *::after {
    animation-duration: 1ms !important;
    animation-iteration-count: 1 !important;
    transition-duration: 1ms !important;
    scroll-behavior: auto !important;
  }
}

@media (forced-colors: active) {
  .button,
  .send,
  .launcher {
    border: 1px solid buttontext;
  }
}
`;var xo=`/* The messages, what belongs to them, and what can be said next. */
.transcript {
  position: relative;
  flex: 1;
  min-block-size: 0;
}

.scroller {
  block-size: 100%;
  overflow: hidden auto;
  overflow-anchor: none;
  overscroll-behavior: contain;
  scrollbar-width: thin;
  scrollbar-color: var(--line) transparent;
}

.scroller:focus-visible {
  outline-offset: -3px;
}

.content {
  display: flex;
  flex-direction: column;
  gap: 22px;
  min-block-size: 100%;
  max-inline-size: 46rem;
  margin-inline: auto;
  padding: 22px 20px 18px;
}

.messages {
  display: flex;
  flex-direction: column;
  gap: 22px;
  margin: 0;
  padding: 0;
  list-style: none;
}

.messages:empty {
  display: none;
}

.message {
  position: relative;
  min-inline-size: 0;
}

.message.fresh {
  animation: rise 220ms cubic-bezier(0.2, 0.8, 0.2, 1);
}

.message.user {
  display: flex;
  flex-direction: column;
  align-items: end;
}

.bubble {
  max-inline-size: 86%;
  padding: 9px 15px;
  border-radius: 18px;
  border-end-end-radius: 6px;
  background: var(--accent-tint-strong);
  overflow-wrap: anywhere;
  white-space: pre-wrap;
}

.message.sending .bubble {
  opacity: 0.65;
}

.message.user + .message {
  margin-block-start: 4px;
}

.message.answer {
  display: flex;
  flex-direction: column;
  gap: 10px;
}

.below {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 2px;
  margin-block-start: 2px;
  margin-inline-start: -6px;
  transition: opacity 120ms;
}

/* In the gap below, so that it takes no room while it is not seen. */
.message.user .below:not(.kept) {
  position: absolute;
  inset-block-start: 100%;
  inset-inline-end: 4px;
  margin: 0;
}

.message.user .below:not(.kept) .tool {
  inline-size: 1.65rem;
  block-size: 1.65rem;
}

.below .tool {
  inline-size: 1.9rem;
  block-size: 1.9rem;
  border-radius: 8px;
  font-size: 0.9em;
}

.below .tool[aria-pressed="true"] {
  color: var(--accent-text);
  background: var(--accent-tint);
}

.below .state {
  margin-inline: 6px;
  color: var(--muted);
  font-size: 0.8em;
}

@media (hover: hover) {
  .message:not(.last) > .below:not(.kept),
  .message.user > .below:not(.kept) {
    opacity: 0;
  }

  .message:hover > .below,
  .message:focus-within > .below {
    opacity: 1 !important;
  }
}

/* Before the first message. */
.welcome {
  display: flex;
  flex: 1;
  flex-direction: column;
  justify-content: end;
  gap: 18px;
}

.welcome h3 {
  margin: 0;
  font-size: 1.4em;
  font-weight: 600;
  line-height: 1.3;
  letter-spacing: -0.02em;
  text-wrap: balance;
}

.welcome .mark {
  display: grid;
  place-items: center;
  inline-size: 46px;
  block-size: 46px;
  border-radius: 15px;
  background: var(--accent-tint-strong);
  color: var(--accent-text);
  font-size: 1.2em;
}

.starters {
  display: grid;
  gap: 8px;
}

.starters button {
  display: flex;
  align-items: center;
  justify-content: space-between;
  gap: 12px;
  padding: 10px 14px;
  border: 1px solid var(--line);
  border-radius: 14px;
  text-align: start;
  transition:
    background-color 120ms,
    border-color 120ms;
}

.starters button:hover {
  border-color: var(--accent-line);
  background: var(--accent-tint);
}

.starters .icon {
  color: var(--muted);
  transform: rotate(90deg);
}

.starters .icon:dir(rtl) {
  transform: rotate(-90deg);
}

.suggestions {
  display: flex;
  flex-wrap: wrap;
  gap: 8px;
}

.suggestions:empty {
  display: none;
}

.suggestions button {
  max-inline-size: 100%;
  padding: 6px 13px;
  border: 1px solid var(--accent-line);
  border-radius: 999px;
  color: var(--accent-text);
  font-size: 0.92em;
  line-height: 1.4;
  text-align: start;
  overflow-wrap: anywhere;
  transition: background-color 120ms;
  animation: rise 220ms cubic-bezier(0.2, 0.8, 0.2, 1);
}

.suggestions button:hover {
  background: var(--accent-tint);
}

.typing {
  display: inline-flex;
  align-items: center;
  gap: 5px;
  block-size: 1.55em;
}

.typing i {
  inline-size: 7px;
  block-size: 7px;
  border-radius: 50%;
  background: var(--accent-text);
  animation: breathe 1.3s ease-in-out infinite;
}

.typing i:nth-child(2) {
  animation-delay: 160ms;
}

.typing i:nth-child(3) {
  animation-delay: 320ms;
}

.jump {
  position: absolute;
  inset-block-end: 12px;
  inset-inline: 0;
  inline-size: max-content;
  margin-inline: auto;
  min-block-size: 2rem;
  border-radius: 999px;
  font-size: 0.87em;
  box-shadow: 0 4px 16px rgb(15 18 28 / 16%);
  animation: rise 160ms ease-out;
}

.skeleton {
  display: grid;
  gap: 12px;
}

.skeleton i {
  block-size: 14px;
  border-radius: 7px;
  background: var(--raised);
  animation: breathe 1.6s ease-in-out infinite;
}

.skeleton i:first-child {
  justify-self: end;
  inline-size: 55%;
  block-size: 38px;
  border-radius: 16px;
}

.skeleton i:nth-child(3) {
  inline-size: 92%;
}

.skeleton i:nth-child(4) {
  inline-size: 70%;
}

/* What a tool does, what the model thinks. */
.folded {
  color: var(--muted);
  font-size: 0.9em;
}

.folded summary {
  display: inline-flex;
  align-items: center;
  gap: 7px;
  max-inline-size: 100%;
  padding: 2px 8px 2px 6px;
  margin-inline-start: -6px;
  border-radius: 8px;
  cursor: pointer;
  list-style: none;
  overflow-wrap: anywhere;
}

.folded summary::-webkit-details-marker {
  display: none;
}

.folded summary:hover {
  background: var(--raised);
  color: var(--text);
}

.folded summary .icon-chevron {
  transition: transform 140ms;
}

.folded[open] summary .icon-chevron {
  transform: rotate(180deg);
}

.folded .inside {
  display: grid;
  gap: 10px;
  margin-block-start: 6px;
  padding: 10px 12px;
  border-radius: 12px;
  background: var(--sunken);
  overflow-wrap: anywhere;
}

.folded .thoughts {
  white-space: pre-wrap;
}

.busy .icon-tool,
.busy .icon-spark {
  color: var(--accent-text);
  animation: breathe 1.3s ease-in-out infinite;
}

.call-head {
  display: flex;
  gap: 8px;
  justify-content: space-between;
  color: var(--text);
}

.call .failed {
  color: var(--danger);
}

.call code,
.arguments dd {
  font-family: var(--mono);
  font-size: 0.88em;
}

.arguments {
  display: grid;
  grid-template-columns: minmax(0, auto) minmax(0, 1fr);
  gap: 2px 12px;
  margin: 4px 0 0;
}

.arguments dt {
  color: var(--muted);
}

.arguments dd {
  margin: 0;
  color: var(--text);
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}

.action {
  display: inline-flex;
  align-items: center;
  align-self: start;
  gap: 6px;
  max-inline-size: 100%;
  padding: 3px 11px 3px 8px;
  border-radius: 999px;
  background: var(--raised);
  color: var(--muted);
  font-size: 0.85em;
  overflow-wrap: anywhere;
}

.approval {
  display: grid;
  gap: 10px;
  padding: 14px 16px;
  border: 1px solid var(--accent-line);
  border-radius: 16px;
  background: var(--accent-tint);
}

.approval h3 {
  display: flex;
  align-items: center;
  gap: 8px;
  margin: 0;
  font-size: 0.87em;
  font-weight: 600;
  color: var(--accent-text);
}

.approval .title {
  margin: 0;
  font-weight: 500;
  overflow-wrap: anywhere;
}

.approval .choice {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 8px;
}

.approval .until {
  margin-inline-start: auto;
  color: var(--muted);
  font-size: 0.85em;
}

.problem {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 8px 10px;
  padding: 10px 14px;
  border-radius: 14px;
  background: var(--danger-tint);
  color: var(--danger);
  font-size: 0.93em;
  overflow-wrap: anywhere;
}

.problem p {
  flex: 1 1 12em;
  margin: 0;
}

.problem .button {
  min-block-size: 1.9rem;
  border-color: currentcolor;
  background: none;
}

.versions .inside {
  color: var(--text);
}

.message.user .earlier {
  max-inline-size: 86%;
  margin-block-start: 4px;
}

.message.user .versions .inside {
  white-space: pre-wrap;
}

@keyframes rise {
  from {
    opacity: 0;
    transform: translateY(6px);
  }
}

@keyframes breathe {
  0%,
  100% {
    opacity: 0.35;
  }

  50% {
    opacity: 1;
  }
}
`;var wo=null;function ko(){return wo??=[vo,go,xo,bo,po,mo].map(e=>{let t=new CSSStyleSheet;return t.replaceSync(e),t}),wo}function ot(e,t,n=0){return new Intl.NumberFormat(t.language,{maximumFractionDigits:n}).format(e)}function sn(e,t){let n=new Date(e),r=n.toDateString()===new Date().toDateString();return new Intl.DateTimeFormat(t.language,r?{timeStyle:"short"}:{dateStyle:"medium"}).format(n)}var Nl=32e3,an=class{element;limit=Nl;#e;#n;#t;#i;#o;#s=b("p",{class:"over",role:"status",hidden:!0});#r;#a=null;#c=null;#l=null;constructor(t,n){let{texts:r}=t;this.#e=t,this.#n=n,this.#t=b("textarea",{rows:1,placeholder:r.placeholder,"aria-label":r.message,"aria-description":r.keys,autocomplete:"off",enterkeyhint:"send",oninput:()=>this.#h(),onkeydown:s=>this.#f(s)}),this.#i=b("button",{type:"submit",class:"send","aria-label":r.send,title:r.send},H("send")),this.#o=b("button",{type:"button",class:"send stop","aria-label":r.stop,title:r.stop,onclick:()=>this.#x()},H("stop")),this.#r=b("div",{class:"editing",hidden:!0},r.editing,b("button",{type:"button",onclick:()=>this.cancelEdit()},r.cancel));let i=s=>{s.preventDefault(),this.#m()},o=b("div",{class:"row"},this.#t,this.#o,this.#i);this.element=b("div",{class:"composer"},b("form",{onsubmit:i},this.#r,o,this.#s))}get isEditing(){return this.#a!==null}update(t){this.#c=t,this.#a!==null&&!t.messages.some(({id:r})=>r===this.#a?.id)&&this.#u();let n=`draft:${t.conversationId??"new"}`;n!==this.#l&&this.#a===null&&this.#d(n),this.#b()}focus(){this.#t.focus({preventScroll:!0})}edit(t){this.#a=t,this.#r.hidden=!1,this.#g(t.text),this.focus(),this.#t.setSelectionRange(t.text.length,t.text.length)}cancelEdit(){this.#u(),this.focus()}#u(){this.#a=null,this.#r.hidden=!0,this.#g(this.#n.get(this.#l??"")??"")}#d(t){this.#l==="draft:new"&&this.#c?.phase!=="loading"&&this.#t.value!==""&&(this.#n.set("draft:new",null),this.#n.set(t,this.#t.value)),this.#l=t,this.#g(this.#n.get(t)??"")}#h(){this.#a===null&&this.#l!==null&&this.#n.set(this.#l,this.#t.value),this.#v(),this.#b()}#f(t){t.isComposing||(t.key==="Enter"&&!t.shiftKey&&!t.altKey&&(t.preventDefault(),this.#m()),t.key==="ArrowUp"&&this.#t.value===""&&!this.isEditing&&this.#p(t))}#p(t){let n=this.#c?.messages.findLast(({role:r,status:i})=>r==="user"&&i==="completed");n===void 0||this.#c?.phase!=="idle"||(t.preventDefault(),this.#e.edit(n))}#m(){let t=this.#t.value.trim();if(t===""||t.length>this.limit||this.#c?.phase==="loading")return;let n=this.#a;if(n!==null){this.#u(),this.#e.chat.edit(n.id,t);return}this.#g(""),this.#l!==null&&this.#n.set(this.#l,null),this.#e.chat.send(t)}#x(){this.focus(),this.#e.chat.stop()}#g(t){this.#t.value=t,this.#v(),this.#b()}#b(){let{texts:t}=this.#e,n=this.#t.value.trim().length,r=n-this.limit;this.#t.dir=n===0?t.direction:"auto";let i=!["idle","loading"].includes(this.#c?.phase??"idle");this.#o.hidden=!i,this.#i.hidden=i&&n===0,this.#i.disabled=n===0||r>0,this.#s.hidden=r<=0,r>0?he(this.#s,t.tooLong(ot(r,t))):V(this.#s)}#v(){CSS.supports("field-sizing","content")||(this.#t.style.blockSize="auto",this.#t.style.blockSize=`${this.#t.scrollHeight}px`)}};var _o={count:"look",fetch:"look",find:"look",get:"look",list:"look",load:"look",lookup:"look",query:"look",read:"look",search:"look",show:"look",add:"add",book:"add",create:"add",make:"add",register:"add",change:"change",edit:"change",freeze:"change",move:"change",rename:"change",set:"change",unfreeze:"change",update:"change",cancel:"remove",delete:"remove",remove:"remove"},yo=60;function wt(e,t){let{verb:n,subject:r}=Ol(e.name);return e.status==="running"?t.doing[n](r):t.done[n](r)}function Ol(e){let t=e.replace(/([a-z0-9])([A-Z])/g,"$1 $2").split(/[\s_.-]+/).filter(Boolean).map(o=>o.toLowerCase()),n=t[0]??"",r=Object.hasOwn(_o,n)&&t.length>1?_o[n]:void 0,i=(r===void 0?t:t.slice(1)).join(" ");return{verb:r??"use",subject:i.length>yo?`${i.slice(0,yo)}…`:i}}var ln=class{element;#e=b("div",{class:"inside thoughts",dir:"auto"});constructor(t){let n=b("summary",{},H("spark"),b("span",{},t.reasoning),H("chevron"));this.element=b("details",{class:"folded reasoning"},n,this.#e)}update(t){this.element.hidden=t.reasoning==="",this.element.classList.toggle("busy",t.status==="streaming"&&t.text===""),he(this.#e,t.reasoning)}},cn=class{element;#e;#n=b("span");#t=b("div",{class:"inside"});#i=null;constructor(t){this.#e=t;let n=b("summary",{},H("tool"),this.#n,H("chevron"));this.element=b("details",{class:"folded activity"},n,this.#t)}update(t){let n=Pl(t),r=n.findLast(i=>i.status==="running");this.element.hidden=n.length===0,this.element.classList.toggle("busy",r!==void 0),he(this.#n,this.#o(n,r)),!(this.#i!==null&&Bl(this.#i,n))&&(this.#i=n,V(this.#t,...n.map(i=>$l(i,this.#e))))}#o(t,n){if(n!==void 0)return wt(n,this.#e);let r=t[0];if(r===void 0)return"";if(t.length>1)return this.#e.usedTools(t.length);let i=wt(r,this.#e);return r.status==="error"?`${i} · ${this.#e.toolFailed}`:i}};function Pl(e){let t=new Set(e.actions.map(i=>i.type)),n=e.toolCalls.filter(i=>!t.has(i.name));return!["streaming","awaiting_input"].includes(e.status)&&n.length>0?n.map(i=>i.status==="ok"?i:{...i,status:"error"}):n.length>0?n:e.toolsUsed.map(i=>({id:i,name:i,status:"ok",arguments:null,durationMs:null,error:null}))}function Bl(e,t){return e.length===t.length&&e.every((n,r)=>n===t[r])}function $l(e,t){let n=b("div",{class:"call-head"},b("code",{},e.name),jl(e,t));return b("div",{class:"call"},n,e.arguments===null?null:Ar(e.arguments),e.error===null?null:b("div",{class:"failed"},e.error))}function jl(e,t){return e.status==="error"?b("span",{class:"failed"},t.toolFailed):e.status!=="ok"?b("span",{},e.status==="running"?"…":t.toolWaits):b("span",{},e.durationMs===null?"":t.duration(ot(e.durationMs/1e3,t,1)))}function Ar(e){let t=Object.entries(e);if(t.length===0)return null;let n=t.flatMap(([r,i])=>[b("dt",{},r),b("dd",{dir:"auto"},Hl(i))]);return b("dl",{class:"arguments"},...n)}function Hl(e){return typeof e=="string"?e:JSON.stringify(e)}var un=class{element;#e;#n=b("div",{class:"choice"});#t;#i=0;constructor(t,n){let{texts:r}=t;this.#e=t,this.#t=n,this.element=b("section",{class:"approval","aria-label":r.approval},b("h3",{},H("shield"),r.approval),b("p",{class:"title",dir:"auto"},n.title||n.name),Ar(n.arguments),this.#n),this.#o()}update(t){t!==this.#t&&(this.#t=t,this.#o())}close(){clearTimeout(this.#i)}#o(){let{texts:t}=this.#e,{decision:n,expiresAt:r}=this.#t;clearTimeout(this.#i);let i=new Date(r).getTime()-Date.now();n!==null?V(this.#n,this.#a(n==="approved"?t.approved:t.denied)):i<=0?V(this.#n,this.#a(t.expired)):this.#s(i)}#s(t){let{texts:n}=this.#e;V(this.#n,this.#r(n.approve,!0),this.#r(n.deny,!1),b("span",{class:"until"},n.expiresAt(sn(this.#t.expiresAt,n)))),t<2**31&&(this.#i=window.setTimeout(()=>this.#o(),t+50))}#r(t,n){return b("button",{type:"button",class:n?"button primary":"button",onclick:()=>{for(let i of Array.from(this.#n.querySelectorAll("button")))i.disabled=!0;this.#e.focusComposer(),this.#e.chat.decide(this.#t.toolCallId,{approve:n})}},t)}#a(t){return b("span",{class:"state"},t)}};async function Ao(e,t){if(navigator.clipboard!==void 0&&window.isSecureContext){await navigator.clipboard.writeText(e);return}let n=document.createElement("textarea");n.className="unseen",n.value=e,t.after(n),n.select(),document.execCommand("copy"),n.remove()}function Er(e,t){for(let n of Array.from(e.querySelectorAll("pre")))Ul(n,t);for(let n of Array.from(e.querySelectorAll("table"))){let r=b("div",{class:"table",tabindex:0,role:"group","aria-label":t.table});n.replaceWith(r),r.append(n)}}function Ul(e,t){let n=e.querySelector("code")?.className.replace("language-","")??"",r=b("button",{class:"copy-code",type:"button",title:t.copy},H("copy"),t.copy),i=b("div",{class:"code"},b("div",{class:"code-head"},b("span",{},n),r));e.replaceWith(i);let o=b("div",{class:"code-body",tabindex:0,role:"group","aria-label":t.code});o.append(e),i.append(o)}var Rr={};yi(Rr,{decode:()=>kt,encode:()=>Oe,format:()=>st,parse:()=>_t});var Eo={};function Vl(e){let t=Eo[e];if(t)return t;t=Eo[e]=[];for(let n=0;n<128;n++){let r=String.fromCharCode(n);t.push(r)}for(let n=0;n<e.length;n++){let r=e.charCodeAt(n);t[r]="%"+("0"+r.toString(16).toUpperCase()).slice(-2)}return t}function dn(e,t){typeof t!="string"&&(t=dn.defaultChars);let n=Vl(t);return e.replace(/(%[a-f0-9]{2})+/gi,function(r){let i="";for(let o=0,s=r.length;o<s;o+=3){let a=parseInt(r.slice(o+1,o+3),16);if(a<128){i+=n[a];continue}if((a&224)===192&&o+3<s){let c=parseInt(r.slice(o+4,o+6),16);if((c&192)===128){let u=a<<6&1984|c&63;u<128?i+="��":i+=String.fromCharCode(u),o+=3;continue}}if((a&240)===224&&o+6<s){let c=parseInt(r.slice(o+4,o+6),16),u=parseInt(r.slice(o+7,o+9),16);if((c&192)===128&&(u&192)===128){let h=a<<12&61440|c<<6&4032|u&63;h<2048||h>=55296&&h<=57343?i+="���":i+=String.fromCharCode(h),o+=6;continue}}if((a&248)===240&&o+9<s){let c=parseInt(r.slice(o+4,o+6),16),u=parseInt(r.slice(o+7,o+9),16),h=parseInt(r.slice(o+10,o+12),16);if((c&192)===128&&(u&192)===128&&(h&192)===128){let d=a<<18&1835008|c<<12&258048|u<<6&4032|h&63;d<65536||d>1114111?i+="����":(d-=65536,i+=String.fromCharCode(55296+(d>>10),56320+(d&1023))),o+=9;continue}}i+="�"}return i})}dn.defaultChars=";/?:@&=+$,#";dn.componentChars="";var kt=dn;var Ro={};function Wl(e){let t=Ro[e];if(t)return t;t=Ro[e]=[];for(let n=0;n<128;n++){let r=String.fromCharCode(n);/^[0-9a-z]$/i.test(r)?t.push(r):t.push("%"+("0"+n.toString(16).toUpperCase()).slice(-2))}for(let n=0;n<e.length;n++)t[e.charCodeAt(n)]=e[n];return t}function hn(e,t,n){typeof t!="string"&&(n=t,t=hn.defaultChars),typeof n>"u"&&(n=!0);let r=Wl(t),i="";for(let o=0,s=e.length;o<s;o++){let a=e.charCodeAt(o);if(n&&a===37&&o+2<s&&/^[0-9a-f]{2}$/i.test(e.slice(o+1,o+3))){i+=e.slice(o,o+3),o+=2;continue}if(a<128){i+=r[a];continue}if(a>=55296&&a<=57343){if(a>=55296&&a<=56319&&o+1<s){let c=e.charCodeAt(o+1);if(c>=56320&&c<=57343){i+=encodeURIComponent(e[o]+e[o+1]),o++;continue}}i+="%EF%BF%BD";continue}i+=encodeURIComponent(e[o])}return i}hn.defaultChars=";/?:@&=+$,-_.!~*'()#";hn.componentChars="-_.!~*'()";var Oe=hn;function st(e){let t="";return t+=e.protocol||"",t+=e.slashes?"//":"",t+=e.auth?e.auth+"@":"",e.hostname&&e.hostname.indexOf(":")!==-1?t+="["+e.hostname+"]":t+=e.hostname||"",t+=e.port?":"+e.port:"",t+=e.pathname||"",t+=e.search||"",t+=e.hash||"",t}function fn(){this.protocol=null,this.slashes=null,this.auth=null,this.port=null,this.hostname=null,this.hash=null,this.search=null,this.pathname=null}var Jl=/^([a-z0-9.+-]+:)/i,ql=/:[0-9]*$/,Gl=/^(\/\/?(?!\/)[^\?\s]*)(\?[^\s]*)?$/,Zl=["<",">",'"',"`"," ","\r",`
`,"	"],Xl=["{","}","|","\\","^","`"].concat(Zl),Yl=["'"].concat(Xl),Co=["%","/","?",";","#"].concat(Yl),To=["/","?","#"],Kl=255,Do=/^[+a-z0-9A-Z_-]{0,63}$/,Ql=/^([+a-z0-9A-Z_-]{0,63})(.*)$/,So={javascript:!0,"javascript:":!0},Fo={http:!0,https:!0,ftp:!0,gopher:!0,file:!0,"http:":!0,"https:":!0,"ftp:":!0,"gopher:":!0,"file:":!0};function ec(e,t){if(e&&e instanceof fn)return e;let n=new fn;return n.parse(e,t),n}fn.prototype.parse=function(e,t){let n,r,i,o=e;if(o=o.trim(),!t&&e.split("#").length===1){let u=Gl.exec(o);if(u)return this.pathname=u[1],u[2]&&(this.search=u[2]),this}let s=Jl.exec(o);if(s&&(s=s[0],n=s.toLowerCase(),this.protocol=s,o=o.substr(s.length)),(t||s||o.match(/^\/\/[^@\/]+@[^@\/]+/))&&(i=o.substr(0,2)==="//",i&&!(s&&So[s])&&(o=o.substr(2),this.slashes=!0)),!So[s]&&(i||s&&!Fo[s])){let u=-1;for(let p=0;p<To.length;p++)r=o.indexOf(To[p]),r!==-1&&(u===-1||r<u)&&(u=r);let h,d;u===-1?d=o.lastIndexOf("@"):d=o.lastIndexOf("@",u),d!==-1&&(h=o.slice(0,d),o=o.slice(d+1),this.auth=h),u=-1;for(let p=0;p<Co.length;p++)r=o.indexOf(Co[p]),r!==-1&&(u===-1||r<u)&&(u=r);u===-1&&(u=o.length),o[u-1]===":"&&u--;let g=o.slice(0,u);o=o.slice(u),this.parseHost(g),this.hostname=this.hostname||"";let m=this.hostname[0]==="["&&this.hostname[this.hostname.length-1]==="]";if(!m){let p=this.hostname.split(/\./);for(let _=0,x=p.length;_<x;_++){let R=p[_];if(R&&!R.match(Do)){let T="";for(let y=0,E=R.length;y<E;y++)R.charCodeAt(y)>127?T+="x":T+=R[y];if(!T.match(Do)){let y=p.slice(0,_),E=p.slice(_+1),C=R.match(Ql);C&&(y.push(C[1]),E.unshift(C[2])),E.length&&(o=E.join(".")+o),this.hostname=y.join(".");break}}}}this.hostname.length>Kl&&(this.hostname=""),m&&(this.hostname=this.hostname.substr(1,this.hostname.length-2))}let a=o.indexOf("#");a!==-1&&(this.hash=o.substr(a),o=o.slice(0,a));let c=o.indexOf("?");return c!==-1&&(this.search=o.substr(c),o=o.slice(0,c)),o&&(this.pathname=o),Fo[n]&&this.hostname&&!this.pathname&&(this.pathname=""),this};fn.prototype.parseHost=function(e){let t=ql.exec(e);t&&(t=t[0],t!==":"&&(this.port=t.substr(1)),e=e.substr(0,e.length-t.length)),e&&(this.hostname=e)};var _t=ec;var Fr={};yi(Fr,{Any:()=>Cr,Cc:()=>Tr,Cf:()=>tc,P:()=>yt,S:()=>Dr,Z:()=>Sr});var Cr=/[\0-\uD7FF\uE000-\uFFFF]|[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?:[^\uD800-\uDBFF]|^)[\uDC00-\uDFFF]/,Tr=/[\0-\x1F\x7F-\x9F]/,tc=/[\xAD\u0600-\u0605\u061C\u06DD\u070F\u0890\u0891\u08E2\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F\uFEFF\uFFF9-\uFFFB]|\uD804[\uDCBD\uDCCD]|\uD80D[\uDC30-\uDC3F]|\uD82F[\uDCA0-\uDCA3]|\uD834[\uDD73-\uDD7A]|\uDB40[\uDC01\uDC20-\uDC7F]/,yt=/[!-#%-\*,-\/:;\?@\[-\]_\{\}\xA1\xA7\xAB\xB6\xB7\xBB\xBF\u037E\u0387\u055A-\u055F\u0589\u058A\u05BE\u05C0\u05C3\u05C6\u05F3\u05F4\u0609\u060A\u060C\u060D\u061B\u061D-\u061F\u066A-\u066D\u06D4\u0700-\u070D\u07F7-\u07F9\u0830-\u083E\u085E\u0964\u0965\u0970\u09FD\u0A76\u0AF0\u0C77\u0C84\u0DF4\u0E4F\u0E5A\u0E5B\u0F04-\u0F12\u0F14\u0F3A-\u0F3D\u0F85\u0FD0-\u0FD4\u0FD9\u0FDA\u104A-\u104F\u10FB\u1360-\u1368\u1400\u166E\u169B\u169C\u16EB-\u16ED\u1735\u1736\u17D4-\u17D6\u17D8-\u17DA\u1800-\u180A\u1944\u1945\u1A1E\u1A1F\u1AA0-\u1AA6\u1AA8-\u1AAD\u1B4E\u1B4F\u1B5A-\u1B60\u1B7D-\u1B7F\u1BFC-\u1BFF\u1C3B-\u1C3F\u1C7E\u1C7F\u1CC0-\u1CC7\u1CD3\u2010-\u2027\u2030-\u2043\u2045-\u2051\u2053-\u205E\u207D\u207E\u208D\u208E\u2308-\u230B\u2329\u232A\u2768-\u2775\u27C5\u27C6\u27E6-\u27EF\u2983-\u2998\u29D8-\u29DB\u29FC\u29FD\u2CF9-\u2CFC\u2CFE\u2CFF\u2D70\u2E00-\u2E2E\u2E30-\u2E4F\u2E52-\u2E5D\u3001-\u3003\u3008-\u3011\u3014-\u301F\u3030\u303D\u30A0\u30FB\uA4FE\uA4FF\uA60D-\uA60F\uA673\uA67E\uA6F2-\uA6F7\uA874-\uA877\uA8CE\uA8CF\uA8F8-\uA8FA\uA8FC\uA92E\uA92F\uA95F\uA9C1-\uA9CD\uA9DE\uA9DF\uAA5C-\uAA5F\uAADE\uAADF\uAAF0\uAAF1\uABEB\uFD3E\uFD3F\uFE10-\uFE19\uFE30-\uFE52\uFE54-\uFE61\uFE63\uFE68\uFE6A\uFE6B\uFF01-\uFF03\uFF05-\uFF0A\uFF0C-\uFF0F\uFF1A\uFF1B\uFF1F\uFF20\uFF3B-\uFF3D\uFF3F\uFF5B\uFF5D\uFF5F-\uFF65]|\uD800[\uDD00-\uDD02\uDF9F\uDFD0]|\uD801\uDD6F|\uD802[\uDC57\uDD1F\uDD3F\uDE50-\uDE58\uDE7F\uDEF0-\uDEF6\uDF39-\uDF3F\uDF99-\uDF9C]|\uD803[\uDD6E\uDEAD\uDED0\uDF55-\uDF59\uDF86-\uDF89]|\uD804[\uDC47-\uDC4D\uDCBB\uDCBC\uDCBE-\uDCC1\uDD40-\uDD43\uDD74\uDD75\uDDC5-\uDDC8\uDDCD\uDDDB\uDDDD-\uDDDF\uDE38-\uDE3D\uDEA9\uDFD4\uDFD5\uDFD7\uDFD8]|\uD805[\uDC4B-\uDC4F\uDC5A\uDC5B\uDC5D\uDCC6\uDDC1-\uDDD7\uDE41-\uDE43\uDE60-\uDE6C\uDEB9\uDF3C-\uDF3E]|\uD806[\uDC3B\uDD44-\uDD46\uDDE2\uDE3F-\uDE46\uDE9A-\uDE9C\uDE9E-\uDEA2\uDF00-\uDF09\uDFE1]|\uD807[\uDC41-\uDC45\uDC70\uDC71\uDEF7\uDEF8\uDF43-\uDF4F\uDFFF]|\uD809[\uDC70-\uDC74]|\uD80B[\uDFF1\uDFF2]|\uD81A[\uDE6E\uDE6F\uDEF5\uDF37-\uDF3B\uDF44]|\uD81B[\uDD6D-\uDD6F\uDE97-\uDE9A\uDFE2]|\uD82F\uDC9F|\uD836[\uDE87-\uDE8B]|\uD839\uDDFF|\uD83A[\uDD5E\uDD5F]/,Dr=/[\$\+<->\^`\|~\xA2-\xA6\xA8\xA9\xAC\xAE-\xB1\xB4\xB8\xD7\xF7\u02C2-\u02C5\u02D2-\u02DF\u02E5-\u02EB\u02ED\u02EF-\u02FF\u0375\u0384\u0385\u03F6\u0482\u058D-\u058F\u0606-\u0608\u060B\u060E\u060F\u06DE\u06E9\u06FD\u06FE\u07F6\u07FE\u07FF\u0888\u09F2\u09F3\u09FA\u09FB\u0AF1\u0B70\u0BF3-\u0BFA\u0C7F\u0D4F\u0D79\u0E3F\u0F01-\u0F03\u0F13\u0F15-\u0F17\u0F1A-\u0F1F\u0F34\u0F36\u0F38\u0FBE-\u0FC5\u0FC7-\u0FCC\u0FCE\u0FCF\u0FD5-\u0FD8\u109E\u109F\u1390-\u1399\u166D\u17DB\u1940\u19DE-\u19FF\u1B61-\u1B6A\u1B74-\u1B7C\u1FBD\u1FBF-\u1FC1\u1FCD-\u1FCF\u1FDD-\u1FDF\u1FED-\u1FEF\u1FFD\u1FFE\u2044\u2052\u207A-\u207C\u208A-\u208C\u20A0-\u20C1\u2100\u2101\u2103-\u2106\u2108\u2109\u2114\u2116-\u2118\u211E-\u2123\u2125\u2127\u2129\u212E\u213A\u213B\u2140-\u2144\u214A-\u214D\u214F\u218A\u218B\u2190-\u2307\u230C-\u2328\u232B-\u2429\u2440-\u244A\u249C-\u24E9\u2500-\u2767\u2794-\u27C4\u27C7-\u27E5\u27F0-\u2982\u2999-\u29D7\u29DC-\u29FB\u29FE-\u2B73\u2B76-\u2BFF\u2CE5-\u2CEA\u2E50\u2E51\u2E80-\u2E99\u2E9B-\u2EF3\u2F00-\u2FD5\u2FF0-\u2FFF\u3004\u3012\u3013\u3020\u3036\u3037\u303E\u303F\u309B\u309C\u3190\u3191\u3196-\u319F\u31C0-\u31E5\u31EF\u3200-\u321E\u322A-\u3247\u3250\u3260-\u327F\u328A-\u32B0\u32C0-\u33FF\u4DC0-\u4DFF\uA490-\uA4C6\uA700-\uA716\uA720\uA721\uA789\uA78A\uA828-\uA82B\uA836-\uA839\uAA77-\uAA79\uAB5B\uAB6A\uAB6B\uFB29\uFBB2-\uFBD2\uFD40-\uFD4F\uFD90\uFD91\uFDC8-\uFDCF\uFDFC-\uFDFF\uFE62\uFE64-\uFE66\uFE69\uFF04\uFF0B\uFF1C-\uFF1E\uFF3E\uFF40\uFF5C\uFF5E\uFFE0-\uFFE6\uFFE8-\uFFEE\uFFFC\uFFFD]|\uD800[\uDD37-\uDD3F\uDD79-\uDD89\uDD8C-\uDD8E\uDD90-\uDD9C\uDDA0\uDDD0-\uDDFC]|\uD802[\uDC77\uDC78\uDEC8]|\uD803[\uDD8E\uDD8F\uDED1-\uDED8]|\uD805\uDF3F|\uD807[\uDFD5-\uDFF1]|\uD81A[\uDF3C-\uDF3F\uDF45]|\uD82F\uDC9C|\uD833[\uDC00-\uDCEF\uDCFA-\uDCFC\uDD00-\uDEB3\uDEBA-\uDED0\uDEE0-\uDEF0\uDF50-\uDFC3]|\uD834[\uDC00-\uDCF5\uDD00-\uDD26\uDD29-\uDD64\uDD6A-\uDD6C\uDD83\uDD84\uDD8C-\uDDA9\uDDAE-\uDDEA\uDE00-\uDE41\uDE45\uDF00-\uDF56]|\uD835[\uDEC1\uDEDB\uDEFB\uDF15\uDF35\uDF4F\uDF6F\uDF89\uDFA9\uDFC3]|\uD836[\uDC00-\uDDFF\uDE37-\uDE3A\uDE6D-\uDE74\uDE76-\uDE83\uDE85\uDE86]|\uD838[\uDD4F\uDEFF]|\uD83B[\uDCAC\uDCB0\uDD2E\uDEF0\uDEF1]|\uD83C[\uDC00-\uDC2B\uDC30-\uDC93\uDCA0-\uDCAE\uDCB1-\uDCBF\uDCC1-\uDCCF\uDCD1-\uDCF5\uDD0D-\uDDAD\uDDE6-\uDE02\uDE10-\uDE3B\uDE40-\uDE48\uDE50\uDE51\uDE60-\uDE65\uDF00-\uDFFF]|\uD83D[\uDC00-\uDED8\uDEDC-\uDEEC\uDEF0-\uDEFC\uDF00-\uDFD9\uDFE0-\uDFEB\uDFF0]|\uD83E[\uDC00-\uDC0B\uDC10-\uDC47\uDC50-\uDC59\uDC60-\uDC87\uDC90-\uDCAD\uDCB0-\uDCBB\uDCC0\uDCC1\uDCD0-\uDCD8\uDD00-\uDE57\uDE60-\uDE6D\uDE70-\uDE7C\uDE80-\uDE8A\uDE8E-\uDEC6\uDEC8\uDECD-\uDEDC\uDEDF-\uDEEA\uDEEF-\uDEF8\uDF00-\uDF92\uDF94-\uDFEF\uDFFA]/,Sr=/[ \xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]/;var nc=[8364,0,8218,402,8222,8230,8224,8225,710,8240,352,8249,338,0,381,0,0,8216,8217,8220,8221,8226,8211,8212,732,8482,353,8250,339,0,382,376];function rc(e){return e===0||e>=55296&&e<=57343||e>1114111}function Mo(e){return rc(e)?65533:e>=128&&e<=159&&nc[e-128]||e}function Lo(e){return e-1>>>0<127||e-160>>>0<55136?String.fromCharCode(e):String.fromCodePoint(Mo(e))}var me=(()=>{let e=new Uint8Array(127),t=0;for(let n=33;n<=126;n++)n!==34&&n!==36&&n!==92&&(e[n]=t++);return e})();function Io(e,t,n,r,i,o){let a=e.length,c=o*90,u=0,h=()=>{let O=me[e.charCodeAt(u++)];return O<o?O:O*91-c+me[e.charCodeAt(u++)]},d=n-r,g=n+i,m=new Int32Array(g);m.fill(-1,r,o),m.fill(-1,o+d,g);let p=new Int32Array(g),_=new Int32Array(g);function x(O,z){let M=0,A=z,F=z+O;for(;A<F;){let B=me[e.charCodeAt(u++)];if(B<89)M+=B,m[A++]=M;else if(B===89){let $=me[e.charCodeAt(u++)]+2;for(;$--;)m[A++]=++M}else{let $=me[e.charCodeAt(u++)];M+=89+($<90?$*91+me[e.charCodeAt(u++)]:me[e.charCodeAt(u++)]*8281+me[e.charCodeAt(u++)]*91+me[e.charCodeAt(u++)]),m[A++]=M}}}x(r,0),x(d,o);let R=new Int32Array(i*2),T=0,y=0;function E(O,z){for(let M=0;M<O;M++){let A=z+M,F=h(),B=h();R[y*2]=F,R[y*2+1]=B,y+=1,p[A]=T;let $=(m[F]<0?_[F]:1)+(m[B]<0?_[B]:1);_[A]=$,T+=$}}E(i-o+r,o+d),E(o-r,r);let C=new Uint16Array(T),D=0;for(let O=0;O<y;O++)for(let z=0;z<2;z++){let M=R[O*2+z],A=m[M];if(A<0){let F=p[M],B=F+_[M];for(;F<B;)C[D++]=C[F++]}else C[D++]=A}let I=new Uint16Array(t),N=0;for(;u<a;){let O=me[e.charCodeAt(u++)];O>=o&&(O=O*91-c+me[e.charCodeAt(u++)]);let z=m[O];if(z<0){let M=p[O],A=M+_[O];for(;M<A;)I[N++]=C[M++]}else I[N++]=z}return I}var zo=Io("!}.&u%}'&}*'~!6*)%&,~!J~!J~%L~y<~!R,~~%Lu~~#GD~~#|)1#%}^%}2%+#.##%##%}&%##%'#%##&%#%#'%#&#%#&#'#%%#&#%##%#)%''%&%#%#'%#%%#%%}%%%#%#&(23#%%#&-%0%('1#(##%#'##+%'*.:1}#%#6-+(%'%%#%%%}#L'2351&('%}&/N'(0(/*-%(%%}#'+&T%7.2}#&%&#%#36/5##%&%%#&#%%#))2%%##%&&'0~!#*+&'%1~!%).'3q?&%'1~!.##%6(~!+%%%(Gw'rT~!E#<nA%#jZ~!H%(~!42##~!*31&~!G%U~#)5~#`3~!J~!Z~%]~%Y~%C~!q~!u~#kz~%#~!6'~!D~!U~!?~#T~!c%~!G#'~%7|~!G~!J~!G&~#pb~(Df}#%}*&}#%##%##%##&#-}&'#'&%#.++}%mI,#,@&(}*%}*'%&##&#%##%}&0}#.},U},%}+%}&%}#%##&}B%(}(%}+%)})%##%#&}&%##%&}<%}>%#%&}*%}(%}9%}/%})%}*%}*%}?&}&%}3%}&*#%})%#%#)}#&#-#+*%E%%'%'#%}#*V##&##I}#&&##%&%#&&Qf%%))w/0+&%#(#.%-''''++++7}>%4'',##1,#%#&%##&#'##&#*#9)%&%}#*}%,#+P(%A&%#'&##wSD',9E00#y#@}(+}&%&>~!#~!X}#*}(&&}(&}(,%}%&#+&}#&}I%#%}%)#(},'%#*}4%%#%}(''}#/##(##),%-##%%)#&}(.}&%#&}%%}*&#%},&&}&%}#%*'#%})%}D&}&%}-&}6&#&}-,%}#%})-(~+`~,=?~I9'9%~!,#%})%})%}@%}?%}(~!?~#<~#pP~#BG~#=1#%K+~#?#~%;)~#A~#mF1~#A'~'X%'~#lR~#N~'N~#r~#m#-~#i'?%#'%~#B%##%,%#~#_%#0%~#]732~,w~2+#:&#%&'0%&>%}#>##F+)#%&&#(+_}4&}-%}(&}@&}O7Fdf0@+/v4}&WU##&/0#&'('B#%}.%}'+#%}#%%&#&%#%##+#&#)#6#'#.},%}c%},%#%##%&#&%#&~#>'*-.%##%##%}#%%}%'~#)D1}#%*&~#_%%'(~#S2%'.}#~#=##*'*-%}&'%'##&&~'E%.#&~#M4}%%##&'%#~#O1##%&#'+~#<B%##%%'%+~#;#@%}#&%#&&%#(~#H1}'%'##&&~#?A}&'~#D#%32}'&&&&~#[}'(#%}'~#;C})&}%%#%~#=&%,3}%'(#%%~#^'#&&)#%'~#Y%-~#d-%'~#^%%&#&&&}#~#b~2t*&'~&(~&@~0%~e~3}%*''0})&}+~!9##-}#%-hD*)1fC#%/&/fB#40~!+#)*4~!+~!K'&:~!/*7~!.#~!H~!L':~%x&~!H#~!*~%1~!I#~!+A~#p'~!F~~#-#~,,(~.Z~!V~%;'B'mq-W~!N~%I%#&&#&}#%},%%}'%}+X#%}#&}(%}'%}<%}#%}%%'}'%}:~![)9@~%>~#UA%-%##&~!C%~!-.9:~!1~!-^2/:a~!y,D*J#-5)/4~%23,~#G~!L1~!0X3`~!2+~!!0-~&E~!W~!o,>Y&]~%cZx_&~#O*9#A#'#+I'%#)~!0B*-5A+-((F&*M#)(-7-5+'-3a5Vi~!Y~!?+[)%3),ERHm~!+:D,VG.+)?fB%%*(%)'(#&80%1'8`K8?`+'Z#&O&'H5#*9)A%%5&3))0%39+.*7#()&&*=4@**L)<'_&*+..;(#*+)./&0#3)%')-8(4ixD(&.}%,('aI:,)%,k2231T)I'#/-W7,/'Q#.'Y24+h')37</31&83##&0#),H(?'&?/1##%#&&#%''-%&&&#(&''&#.-'%#%%(,')*'&#&#'##%(%(#%('#&##%%%%('%#%#%%#%#&%##h>w+v<ayvyvcg.uuhKr}g/v|g>u9i[~>g5uI~=RvdwEg;v/g;uk!!TTSx]@RT!U!#!@VBRUU!'UTe-d0c`e&gSdicedFcrdTaqb.kYcAohdYd@a3e+d}dMdtd.aJ#bqcK`dle/e.e'dwdPdodddjbEb}ogd^ofdpduc6j?l%d{drdqc)d7bacOdQ%T#Y)X.sR[yH>6Vyv3[xwLu>vo'!*.[yBacahoj>6Rew3[xqdZa#!a&#^(X-[yG>6Vyu3[xvg3sEr|g.u/Ri9db0T#^(Xa)!-[y;>6Vylg4wKs{JwNZt3@3r=c4Z([xlg;wKt!cpq's@v7A'*a(a+!-a#[y<3Dt?3Dt'>6Vym3[xmg9rxsNJwLZt4~?r?db1T#`-!(Xa,!0[yS>6Vz%NuQs.g4wKtnJwNZtS@3r>c4Z([y%g;wKtrdga8!a(!#&T*Y-Xa#!a0<or[yc3Dtq>6Vz43[y3JwNZtf@3s!Ju}!%Dti:pm3c_%X#tjB5pkd6q!r]u?voC'*-a.a2!0a&a+[yI3DtI3Ds~3DtH>6Vyw3[xx;:s#~<5pKJwNZtE@3r~d`a)!a2T#a.(!+U.X1[yT3Dt`3Dtv>6Vz&3[y&g9rxwzcxstPu.<rAJwLZtT~?r@dZa%!a.&^*Za(/Reu[ya>6Vz23[y1g3sEr}wkg{NuQRg{ci(U#5@b`~,cg#U(2WnH5wugcRh7dX#T(Y,a'Ta!!a,[yZ<]mj>6Vz,3[y+Pv#5ReZKu+=,%!H}7ABwkaS?Rh:BcW(X#<]mrj:ubv/ARekdg%!(!a.*Ta(Y.X1!#sP>Rl*Dt6[y>>6Vyo3Wf*jOvuumvuRgRJuq*!:9<B@bX~3jVv&v@s@5Re[d/rQt{uAvo&a&a*)a2!,0Wf!3Dt0=Bs'>6Re}3[xy~<5s%JwJZt1~Gs)c;&!#2sJkNuXvzq7rxu,Re8dka4!a8(aEZ+a@Y.X1Xa)[yd=Bs(3DtP>6Vz53[y4cX#X&Re:avRe9~<5s&JwJZtQ~Gs*i^rzvdRg+Jv{%!2sbB@bX}kdga,!Za?&^*T1/!a'Dt+[y6>6Vyf3Wf%g/u;s4hGu6?Rh-JvZ,!c%#&RoX54Rivj7uyvf8RgTKvZB%*!2sGh<vu5Rgq<=C::9bb~#dZ#T&Ta6Y.X*Dt>[y93Wf)coZ(T,6VyifluvRgC@95@B@bX~/hFu34cC#T,k/unq8w8Q5RkUklwQuzunq8w8Q5Rk8d/rJu?v8w9)-&!a0a;a&aIWejg3sEr/h1s<DtDJvyZqY5aws3Jvy!&Wei~Hr1:au5@Bag>23E~5c:Z&bX};kKv?w&unuVu5Rjc;>bs)#~@:Rh.=ay<a]C;b`}Vd6s/t{uAvoaxa()!a,a7%-a#a2Dt,[yF2Wo[>6Vyt3[xuNuPRi&NuPwpi#RoWh?vf8Ri%Jv]!%Ri:KvxD!.'2WeAjZu`q9rxu,Re7woeAg-unLq(qA_/*2Wg_g3u5q^9:4E}/jTrxrzv=Wkkd~0UX#^^Xa-a1a5T&a=U1a'*aEa]!a*aPaA-adok[y54Rn>;:p3~Dp5g9rpsFNvZqjg3uJp4~<5p0Pw;5qlJwNZt*@3p1Pw:5p/Ou!5p2JvG'!6Vye=<qnJvh_[xhg3v,Rh3kOwOw-sDuev/Re^dha[a%!%!a+#Ta7)-5TaCaO!aka!a)sf[yb2>Rl!9ARiq5E}Qg=ucRkBE|oJrJ_@Wk~@Wk{JrJ_@Wk|@WkyJrJ_@Wk}@WkzJvO_[y2g-vMRmiKuYC!)&>Ri;>Ri<@3RkNc](X#@9Rk=g5vuRmhKvDB!+'=]meg3u4Rmgd)#Y'Vz3CARmfd`a+!%T'!+#Ta1Ta6TaM-sTDt9[yA9sYd'%Y#s[[xpj:ueunaXRgEjRq,v-vuqdd2'`#6Rev<32@5>:2<E}5xIo9a*X#Y(;5RePJvD_g>vyRgNj8w)v8<wggs:RgXiZt|vjx,hSq3ah!-(~@:Ro/Ou!5RhWj^v(pyw8unRhUdx-UY#^Ua.a3a70!)%UX1TaDa)'omRiRRhE[y:3Dsz=Br,>6Vyj3[xkg6ruwjcqsrPw;5r*Ku]D'Zt-@3r(~?r.i[vwv]dU1a--U#`a4(g/vsRhPOu!5RhLj:rmu9Wo!~@:wdh@g/vsRiTjXuvvNr}:RhBj^v(pyw8unRn]dz1UYa'a+^Y(!aETZalaRY.Ta?a4[yDJw1!#qLsW>6Vyrfzq-pLflpwRe|Js>%!Dt@3Dt&Jvy_[xs~HrnjMuwpsw'RecKu+D#'!t<~Grl~?rjg5u-x,gwp{ah!-(~@:Rg~Ou!5Rh'jXuvvNr}:Rh#cW#X/c;&!#2sLi[v7u7RgpJv)(!iLrxu,Re6j7v@s@5Se[e7d`aW!Za(a`T.a#!a3!&aDa-!9)Dt_=6s+3[x~~DR|h~DS6avhGun5RkZj3w)v-]mkKunB!&*]kb97R|i<ARk<c:Z(6Vy}Juh'!wziMRoS:F|vkLuauJv5vtvQRh1d='T+Y#VyO~DR|jcF#T'7R|g97R|kJv3'!ay<Rj,Jvh&!:ReXcsa6*a+#a#_aIRf9aLRf?c,Z&Rf5Rf7c.Z&Rf;Rf>cQ#%T'p-Rf8Rf=ct#%'(*!,p,Rf4p+Rf6Rf:Rf<d~'Ua%U*^UYa(!a,-!#a4YaTalaEX0a8a<Weo3Dt/3Dsx=Br93Wen~Dr;~<5p<JwNZt2@3p=Pw:5p;Ou!5r3c7&!#:p>3Ds}KvGB)_6Vyk2sM=<r7x'eovA(!hFu1ARf}cV#X&@r5j6rvwQa^Rf3c=Za'wkghJv__g;unRggA53B9=b^}%j6uduo5Jq;!(hIv%2Re`Ou4ARe_e%a#^^^Xa&!a*a2!&a6YaP!*ad!#a:aE/5Rn?[y@>6Vyp;:pE~DrY~<5pBJwNZt8@3pCh=rt3rWPw:5pAJup_[xoNuPpF9c!#'45pD5ARn)d8#X'X*3@rU72s]h>v<<sSjJpqvewOJq/(!hNw'5ReBk0s2u3w/w'5ReE5@Jq.!a+JQ!&WeU23d(#Y&RjG5]jBk!u7w&u0udARjEe#+^^^Ub#!a2/a`Z(agT1!a-a;|@TaG!aS[yV=Re~fow'RguNuPRe?bz#'>RoUWeL>:Cbb|?JwPZtVg6ruRmzJvD'!6Vz(g/vmRh~Jvy_[y(g9voRgyx*cy(#2>Ri2B9b]~9kIw9u7rluJu3Rg]dI#a%UY'@=p%CAx.gQZ&RhwwygtRm{x5g_Z'+ABqR9Woa=Bp&dV#^*Xa'!&@o{g4v]Rk;Jv{!%Rk[wkkiA5RkiwwfUB=x,fUuqC&*!>RfTg8v0RfV~ARfSd;rJsAuAv9wR'ae+/aO!a@aza/a#[yQ@Wg!2Wemg3sEr0JvB_g>uvReWg2v+Re=KupB_+[y!2AbY~-~Hr2AJwD!(h<~El>h<~El?Kun@+_:9b`}Kg-v/Ri3g;vtwyk_9]k_d=&T#*U.6qh@Ab`|K9:H|CJv[!&3Dtex'fDwC%!Rf[9WlMd[(^X,!a%Z06Vz!@WgBg=v~Rgvg,QRe@awd,#Y+jTv|Q~EfWj]uNr|~FRfXdy#Y&^Ua%!aO.!(a)Ua;=!a@aKap!a-,a!Ta]a[rSa]p?[y82sK=Bq~;:p:~<5p8Pw:5p7d'#Y'Wf(;RnRi[u4w&RgJJvG'!6Vyh=<r#ijuuv/sIKuYD'ZtG@3p9~Gr&d2#`(g<vtRgFj`u5w&rqpxRf2CJuY!+:wfnTOu!5Rg}jNs1ucv&RfwJvA!&3@q|BDcC#T,k/unq8w8Q5RkTklwQuzunq8w8Q5Rk9dga#!a'!a=#a0!:+Tb*b@aO.a4!aba8aFJv^}?!VyR~Dr<g;u%Rn.~<5p[x'e`wNZtR@3p]Pw:5pZhNvjBp.woe_g5u-r4JwF!%DtO3:ooc7&!#:p^3DtpLuGw(!+%)Dtk6Vz#2sd=<r8d'#Y([y#<x3gJt`w@!)%}MRiowzikRij=]ilxAf3,U(#B2Rf#g0v-Rm[ck{`U#]giKv3>)!&6Ri154s,KuGB_%@r68r:dJ|t`#X(9<E|u2@H|rx3gJu?w'!+'1Nu7Reg4=H~+9<wxgY95Rm]xLggZ-`(X}U2:Ri4h<uOawRmsJv__5@bb{jbV~3dka#a'a]!,#a+U=a>b6a3b%!/aKa/)!arwve^VyJ;:pR~DpTg3uJpS~<5pOPw;5qmPw:5pNOu!5pQJvG'!6Vyx=<qoJvA!{~Jup!%@qk7Rn/KvyD!}''[xz;>wkh'?Rh,x8gyt`w5D!&),(SgyccRgztJ@3pPB5p#d'(Y#<]mmifubw&RgoJvE&!82s^JvF&!8Rf,ADb]~;x=h'rNu]vK!,%'*0RnORh)4Rh*AqQg-vaRnNg;wHwkh'ba~4cE#Ta*x3gctyw@'!+%RnFRnD<4Rn@hFvK5RnCxWg[#`&a0Ua()`1Rm75Rg[c]%X#qi8Rg^NvdRj>BwzgZauwji7Rm6A4wgg]d1#&(*,.0a#Rm;Rm<Rm=Rm>Rm?Rm@RmARmBe%#^^^Xaea?aC/b+(,!a+a#!a/!>a&Ta<aKbD!2wphBRnk[yPw}hE|.=Br-3Dtm>6Vy~g6urRf.x,hPrNav!%'RnqRo%Ro#Nu;q[Pw;5r+JwNZtM@3r)d'#Y'Weh;xChL#`&RnmRnoKu}>%(!Rne~Bs-;2wjcussJv+'!aYSO}6@B<5?ba~8LrNvj!.%*ROwungw~ng~:9;Ri^>wtnig;wHRnixDh@|(UZ.x1h@|)!#:2<H|*xHn]#-UX'3Ro)z=iT}6ARns=Bwsn_wpnaRncw]aR(#UXa&Ua*a/=]iPd'#Y&Ro'WnXf{QRm2hNvj]nZd`'T~&1`{|`#9b]{}c:'!#Wl{>@=be}]?cl{{U#:5Abb}Jds#^YaF!a*b4a#a3aPa>&Tb!bH!*a_!Eau?/a&RjY<]gj>6Vz*;:pe~DrZg,QRj1JwNZtX@wihspcJvZ&!VyX9WmOJu|!|N2WmHJvh&!]ht~Bpbcn&T(!#RmQ<s7Nu;padH#X'`+WmJ@>RmKCARhnKup=!)&Wf+:RhqNuPpf9c!#'45pd5AwghpARn(Ls@w!%,)!RmP@Wfe<E|IJva!&WmNg8vsRmLd`*.`#Y'Xa!axRn*]hrA8Rhug5s@rXg8u!RmMd8#X'X*3@rV72smdI*#UY&RmICARho~GsgxVgd)Ta'U-Y&Xa!T#RnEWnA@Wffg1uDRi0hFvK5RnBxGnG&#`%owp)@wsf+bX}Ze-*1!a*^^^Ua|!#a.aq&Ya2!a>.a6!a:aO`aJDtL[y`@Wg#>6Vz12@wzoYRoZNuPRi!NuPRhzg=ucRi,@=b`{Yg=ucRi-ACJvB!&Sh[ebSh]ebi`wUuFRm4Jw2_[y0JvB!.<Ju(!&SoG}6Shd}6<Ju(!&SoH}6She}6Kur@._g5vHRieJvx!{L2G{Kx6gd'T#?Rh82Wi5cZ#X(g1w)Rm5dW-Y(Ta#!a)!#aYa=wnfE=su2>>bU{0j9udv:<svj8uQv-7RgHdE%#^'sq9sp=>Bb_{TJv`!&g/r|snj6v(us5d,#Y(56H}[978H}]Jw5!&g1rushJvB!+j;v{u5?zDhd}6}bj;v{u5?zDhe}6}ce*#`(^^^a[aea!=!a6a*aoXb1a.!aAbL!b>,b'aL!aV@Wf|2Wlg3[y/JwNZt^@3piPw:5pgJunZou3@rsJva&!Vy_g<v~Rm#JvG'!6Vz0=<r{Ju{%!:pj@WfsiXuJu3Rm:JvZ&!WfA~Bph@c4Z&Dtwax5rubx(#:awRk1@d,#Y&RfjRfid1#,Y(@Wfp2Wlrg5s@ryKu[@!,'=]ig9wlk?Rk>g5u-rqJvy'!@9RkQcH(T#=>Ri~@<wkj(Wj(KuZB*!&<7rw@9RkRcH(T#=>Ri}@<wkj)Wj)dg(Ta2Xa9X#`-!a*CARhg@@=I}d9x;c~#X%so=<sj>2@@=aybb}XjWv0Q~EfEj3vLv;<d,#Y(56H}`978H}_dgaPaFa'a/!#a3Y0a_a;a|!1(a7-[yE3[xt;:pJNvZrrg3uJrvJwNZt=@3pIh=rt3rxPw:5pGOu!5rpJvG'!6Vys=<rz@c4Z&Dt(ax5rtJvZ!&~BpH@wsfNg-vaRlNci*U#=<wei<F}a5@Jq.!a*JQ!%@qZ23d(#Y&RjH5]jCk!u7w&u0udARjFd/prq=tyvpaEa(a:.!a1aZ(@@=I}:9wpd%=<sX55w_h}@@=I{t=ay<aU@@=I}T=ay<2@@=I})?C9:9au@9Cb]}DP~=x-fAZ(2Wl1=ay<aU@@=I}>5@d##Y+jTv|vV~EfFj]uNpn~FRfGdgaK!Z2&!a8a-Tb({E!acTbM*!a(DtY[yYd'%Y#sl[y*hHvh>Re5x2c{Z}.j4uCvcawRiMd+#X+_x&d!},<5RkX;2Hzw@x,gavfB-!{CcF&T#Roe;RodwWbBg5urRgaKvHC*_6Vz+<4opieuew&Rmq@d]&Y)X,T#X0Rh}<BqP=4qS9:ReMg/ujReNJw0!/<Jui%!bd{kawwnemRelAxUa?a3#*.&UX(Ya+a/RhvRnQ<o}9Wmtd-#Y&RgSRmw9;Rmxay=Rmyg-vaRmuxEhSrNu,v-voC!%(aR.a(a7+1Ro1>Ro5CE{A9b]{@;5x#eO{:g;urRi+KrNA!%(Ro3>Ro79;Ri_Ku@>{;&!x%gX|{KunA_+g5QRj/g3u5Rj#g>uERj%wio/xRhS&!,!#^1U}wba{8>>@=be}qC@:D5ba{7Ku+A&!}x?ba}t>>@=be}se(aA^^^Uat!b0#{pa+awUazbGa#aLb9bgaWac'a5TbS=Br!d1#`%scp_Jvl!#rT>Re0JvX&!VyN=H{Fcm#U&:pY=ReaJv2&!]h0=]nUJvG'!6Vy|=<r%JrM_=]h2@Wlud'#)U'Wf'b]{i=]h/Jvh!&~BpWg=v]RnMx+ny#'Nu;pVwjnu=]nwxJnx,T#`&Reqwjnt=]nvieu9vrRjLLuYwP(#+!th@wih5pX~Gr'g5v/Rh4KunA'!-CARnP@wwiN:Rm_9x'cvw>!|l=<saKvAA!0&3@q}>w^e1bp#&Re2Re3BDx7gH#T|f5H|eKuZ>!%(:qNAH{]Jv6!+3B2B9=b^{X<5<B92:E{ZLvhwA(a;a%!igQuyRmad+#Y}m@3Rh5d8#X'X*:AqUAHzmaxwbh<aXRnVcF}RT#Nw&cj#U(BWnug/vsRntdka)(a3+.Zb7aYYan1!bVa@Xa}[y^@b[{G=H{+hFu73Rj&Pv#5ReQcK%T#sig1v{Rj'Ku+D#'!t]~Grm~?rkKuMB!01d5#`'Vy.ta3Dtu~Hroc8#'{^45s85AwZbP&!#Rn!wghxWn#KvEA!)&2RlA2RlBx:h|#(T,=]j09Wobz>x]z/@awRoTd+#Y(az]hFhCrm4d,#Y+jTv|Q~EfMj]uNr|~FRfOdCa!Xa9_X#@<plJvf!%b`{(9;Rgwc;.!#2x7cw#T|UDb]|T5Ju={(!=@E{&Jv)&!Ab`{'awJvf!~*>>@=be{#KuY>!+&4Ezyi[ugv&RjIdea+T)#UXa&T-T&a!Rh9auRmW=]kLg5vuRn+g3u4Rn-Ow6ARn,hHus5xNk?#UX(U~)/g8v0RkD~AwkkF?Ri.OuNBwkkA?Ri/d|a2`a*^UYa.!aBTZaTa'Xa;!(!2!-a#b2[yC>6Vyq3[xr2Wi?g1rusVh%s?DtF~<5rbJs;%!DtBfswKtCj[uvuSsEu3RgVx3o:u+wN'*Zt;@3rd~Grh~?rfg8w)Lq)qE&-a%!>bI|`jWv0vV~EfCjTv|vV~Ef@j]uNpn~FRfBcK#T']gWNu7x,k7q4ai(0!hHv8<RhmkMu9vrsBuev/RhlCJvB!,g<v{wchh~@:Rhji[vrv{wchi~@:RhkdS&a5UY#Ta!RgPwwiI5BwciI~@:Rh`x'iJvj'!5]iJPu8Bwch]~@:Rhach)U#h3rp]gLh@t|Ax,hTq3ah!-(~@:Ro0Ou!5RhXj^v(pyw8unRhVd|)`,^UYas!a?/a2Z'a^Ta{Tb7Ta(a#!a,Wf&9sZ3DtAadamov=Bqt3[xig8vsRm~>waiL2b`{QJv*_Ouv2qgj<v]v2BqfdR'X*X#Y-@3qr~Gqv~?p6hHv-]glPup5Lq+q?_%*b_{qF{n9b^{rOu4ARhpKvCD!+&~Bqp:5Dbb}nwoiKl&unuTuBv]v+ueunaXRf0=Jvh!0nKufu8v1w&w7q%w&uHrz:Rgnj5w,uxDJq/(!hNw'5ReCk0s2u3w/w'5ReFd>Za&!*UaA=<wkgsRnSJv^!%Refifw3vyRgOKu_B'!,<]gkiiu:w&Rh<=C@a^<B57@2F{[<B5@aW:=3away9A5aW=<B=C@a^<B57@2F{Ie-#`(^^^bCara.b8aza6!/bZ,!adTbnTbOb+aFaS!aAT9@Wf~2Wli3Dtl2@d,#Y&RfnRfmJwJZtN~GqyJva&!VyMg<v~Rm%iXuJu3Rm9Jv[_=]ih9wlkDRkCd1#`(@Wg>2Wls3cH#T(@<Rj*=>Ri|b~'#23s9h<~El.d'#Y&Dtxi^rzvdRl#d*#U%(o|B2s`hJwSaxRmDKv4B&!1:Rmdd5#`'Vx}to~Hq{x'f1v3(!BA5ba|bJv_&!Wfug1v]ReIdO+U/Y#&G}-8wze=Rh{g1v]ReHg/uQRf/by#)ibQwERl/cH#T(@<Rj+=>Ri{cNu+vlax-!(#a0qa9<Rii2;;bU{H;x<i=&X#Rk`<4wwi=C9H~8xAI(Y#<azRi@45wXI<B9;5bb~7dL(X#Xa(+!aL6Vy{g5QqOau:5au2@ay547EzbxOcU(UX-T#Ta#:Cbb|A?wjh/b_|SOw6ARgtihr}u7Rhy<d1#T)X1@@=I|~=ay<2@@=aybb}Sj3vLv;<d,#Y(56H}A978H}@dGpvs@uAu`vcw9*!aFa+ai%(b!aXa8.a?a[ozWey=sU2@G}Nch&U#Rf_WexKu+D#'!t:~Gr`~?r^j]uNr|~FRg*j^psurwJt|RmcKv)@&!)7Rkv~Br[@wxfO:Rl3co#U'6Rezj_q#vIuavjRltwzeyh@vr5JqD0!>aY?C9:9au@9Cb]}9cl#U*5;5<H||jbuus1ucv&Rfvg1v~d/pppzqFr^a--a~!aMat1(hFv;Wiz@@=Izoj5uuv-7Rix~Cw`fk2WlVcZ#X,k)u3vWs@u2]ktg;wEx'fBq(_2Wg/jTv|vV~EfoJv]!15x'hzqG!(P~EfU~CRl_j6v(us5x4i-#T(2WmZ?C2F|d>Kq<aj1!*jTqIsBv=Wl`~Cw`fi2WlWj`v0u*~>RlR=c>Z,k#u3vWs@u2]kr<c1Z+jTqIsBv=Wla~Cw`fm2WlXdmb3!a{(arZa`bkTa%TbQTa-a9+c'!aM!/[yL=Bqug.w'RifhFvyDRj.g>vgwyk^9]k^Jv3_@WfbAARkhJw2_[x|JvB_wkoIRoKwkoJRoLd'(Y#<]gm=<9<H|yd'%_X#skDtb3awwqkgNulRkgdB#^',9:p'hJwSaxRmEBwVb8@4=H|qLu+w50&!)@3qs~?pU>Awwn;;Rn=c:Z'ARn<=<qwKvC@!/&~BqqJv6!&]eVb^z^xRge'/a%+^`#Sge}6<4Rn3=]n0Pw2>Rn8Jw0!&>Rn:>Rn6cY#a7+!a&=<wkaNw~h3z_c5Z{=wjh#=]nLKv^D!&)Vyz=bW|swYb<WetcG#T(2wxa@qVx@gD#Y&b^|V5JwG&!5bb|pg/w&RgD@x=kHs=uAvn!a%%/'+RmSRh694Ro`g-vaRmRhHv-]mlxCcS#`&ba~.5cD#Ta)P~=d,#Y(56H{>978H{Dd_#{2^Y%_+qbbb{6g3sERhsbU{?dfa.,`a(Xa<!aiX#(55RiG54RiHcI#T'WiU3RiVNvdwtfcRlKNvdd,#Y&RlHRlExQgf.1*^T'X#Sgf}6Wn4=]hfPrk>Rn7Jw0!&>Rn5>Rn9Lunw?&a2!,5<oq@@wqfdRlJj5Q~=d,#Y(~ARfcOuN]fdDKw;ay(}i!547E}j?cI#T(@5bV}iCbV}hdv(^^Tb?a40,b##Tbo!a*bR!a<b|a/!aKai!aU[yK=]o^g:v>ReGJwPZtK<7Rh+h<~El,Pv#5ReR@awwxjCg,ulRjDJv6&!]j!z?aQeeg>w=Sh<eeJw;!&axEzOg,Qosc!#*:wkeJ]eJ>x'h-u(!%Ro.w~h.zPdNZ(X,Ya![x{;9ReY;wkgxRiF:x?ap#Y&RmUg<s2Rkod]+UY0TZ'!a&A9sw<=bczLNvuw{gqzNhJwSaxRmCKuLay!#&s_Rf-55b^{uJvZa!!c%#(55Ri654wmiu5RiuawLu,vp!+}^%b_}Y9;wkgxba}o>A9:=b^}zKuh=a''!3awRk3c*'!#aHRk6c+Z&Rk5Rk4Jv)&!awRjSawd9*`#0?C2@EzMj8u<uJ5RmbjQrquJu3x,k>uq@_+=ayb^|W~ARkEOuN]k@7dhzV^X/X&a-#zRzSb`zXcJzTT#2WkVKvDBzW!%FzY9;5bbzWjQrquJu3Jw3%!b`zU=ayb^zQd:#X(T-a!6Vyywxh}=b]{Jg=u1RiAdGp~qHtzv!w(wA+a+a;<!aJaYai'anasb(=azRmV:Cbb{MLq2vb!%')RjuRjrRjtRjqx3jnqCw3!%')Rk(Rk+Rk&Rk)Lq2vb!%')Rj{RjxRjzRjwLq2vb!%')RjsRjpRjfRjex3jcqCw3!%')Rk'Rk*RjkRjl9<CbbzfOu4ARhxLq2vb!%')RjyRjvRjhRjgx=joq*uKvb!%')+-Rk.Rk%Rj~Rk-Rk#Rj}x=jdq*uKvb!%')+-Rk,Rk!Rj|RjmRjjRjidAq&qKs@uAv8Aa.'*-a@a&0!aM@a5[y73Dsy3Ds|3Dt):wxgI2sHJwJZt.~Gqxwsf0ikrzt}Rl0Jvy_[xj~HqzKv_A|D!&WfP8axRoVcf,U#k(v]v+ueunaXRf1Ju}'!g8u#Ri=jQw!sCunLprq>!,')~<5qeGzq9F{W=c##%s5au:5aU3CBE|;d4#X(D!a&6Vygx(b;#(=]ed?C2F{N<capoq2r[a&!aPa9,'Pw;5s:@@=I|,55w_h|@@=IzcP~=x'fCqB_2Wl2>aU@@=I|1OuNBc1Z+jTqIsBv=Wlc~Cw`fl2WlZ~AcTa%!Z+jTqIsBv=Wlb~Cw`fh2WlYk+uNqJsBv=WlSg,u3dca3#UXaMYa)TaB-=cM|7T#<bI}l5@B932:aV2G{BOuNBJq:|M!5Ezt=<B=C@a^<B57@2F{v>cB{/T#=ay<bI{3Jv6!a.6BKq0ah&+!5E}HP~Ef{978BaU@@=Iza<7d#.Y#978BaU@@=IzH~AJq0!(@@=IzG978BaU@@=IzFe,aU*Y&^^^bvJb,b:bFad!a,c2Ta>aL.bo6!a#CbTa'T#Re{2Wlh2@G{yg6t~Ro_NvdRfticuRQRllJv3&!x&c|zs@Jw3!%RflwpfkRlpKuL;%(!Re<@G|C2GzdhIvuBwgjAg-u0RjAKQB%!(GzZ@G|5NuuRl7d='T+Y#Vy[g<v~Rm!==G|>JvA!)@wma=]m1ifuaw&RmnLs@vT'!|/+[y,g:v>ReTJw1!#qX=x!eC{bLu+wT&)ZtZauq_~Graci&U#F|89:r_Lupvq!.)&2RlG8RfaC=x!eF{_h?rpWlmd&'!#X|&]k::xJey#`'T|+<E|&2@H|%dE#(^,g;u.RiEg6vjRiC9xCkA{O|zY#g=ucRmXKs0@!&*@G|m@awRknJuh!,3d(}gY}eJvj!%Rm):Jw3!%Rm+Rm-Ls0w(&!a(a#@b[|6cZ#X'7RkxWgAOu4ARn'dH'U#Y*Vz-Wm'CARm}d]*#a%^a*T'aK!a<9bV{PC=p*Jw4!&SgxcbB5r]idw(wBRmF7xFkt#&`(Rm/Rm8E|!JuY_9:Rl5=wrgr2:bbxd@xXfB(a*#T+!.X0X1Ta/a'T&RlDRfL>RlyARl9b[z[>RfZ:RlL:RfRwlg/ARl;9;RlxKv,A/!%7s69<74=BA5ba{-8Bde#`a<XaKYa1,a'P~=wxfB2bZ}}?C972@@=I}r8@55B9;5bb}G978B2@@=aybb}3j3vLv;<Jw3&!>Rfk=ayb^}4~Ad1#`*@@=aybb{w2@>==<bbz]dx+UY#^UaF!a9!bB'Ya1.!ajXa#%olRhD[y=3Dt#Ov5BrHKuMB%!(Rf^Wep~HrJwkiQjKr|~FRg)Ku+D#'!t5~GrF~?rDdV)UY,Z/_7RkuG{<~BrBg,rlsO:235B@bX}|d?a1!#`(6Vyn5@d##Y+jTv|vV~EfIj]uNpn~FRfH7Lq2vb1!a9-978BaU@@=Iz9978BbU}#~AJq0!(@@=Iz8978BaU@@=Iz7~AJQ|}!978BbU}!JvkaK!AdUa21-U#`a+(g/vsRn~Ou!5RPj:rmu9WhOjXuvvNr}:RhAj^v(pyw8unRn[kPr}p|u7vwv]RiSBd;pppzq@qHQa?(b.!a.a`@.|xa(hFv;Wiyj5uuv-7Riw~Cw`fg2WlU978BbU|wOuNBJqG!(P~EfD~CRlQcZ#X,k)u3vWs@u2]ksg;wEx'f@q1_2Wg.j]uNpn~FRfqJv]!15x'h{qG!(@@=IzK~CRl^j6v(us5x4i,#T(2WmY?C2F{1>Kq<aj1!*jTqIsBv=Wld~Cw`fj2Wl[j`v0u*~>RlT=c>Z,k#u3vWs@u2]kq<c1Z+jTqIsBv=Wle~Cw`fn2Wl]dn1#c(a(b^a2!b/bAT(bj!aDa7bu,a_a{c0!2T0g:v>ReD2@G{42@G{5~DpM~<5rc=Bx6i>{RT#RnI@zCx]y]z:2Jv[!zr5Awyk]9]k]dD(Y+X#6Vz.g=wKtgwhaCwgmTWj2Lu,w%_+/[y-B;b^xeg3u3Rj-2@bX{*KrJ<!+'@Wg(g?QRlC@Jv`!%b[zIwsfII}8JQ_@w|kW|=Jv(%!AqcOuNBJvEzh!bYzjLs@wP#(0!oy@>RkdJwMZtc3Dtd@BcG#T'9bWxg2@2Fznd*#Y+;2x'c}w<zizixNgwa#Z'U+!/!a'!a+w~g~z6wcn{Rn}wcnzRn|5Rh%=]nJg5vuRmvNvdRlvcprJu}w*az*a#!%.a.'Bot9qT]kj@Wg'ay2Gzv@Jv`!%b[zEwsfHI}1;ck#Ux`<Cbbx_Lu+w!a&0*!wko*wwo,So,}6Juqxf!E}PigQuyRm`d3(`#8>Rn%:A5B;bZ~%KvhCa!a2!x>k7#Uxb@b{#xaRk7Jw0!)>wwhlShl}6>wwhmShm}6CJvB!.x'hhvj{!!5Bwkhhbaz}x'hivjz~!5Bwkhibaz|xEhTrNu,v-vpD!a%&/)a3a.,%Ro2t[CE{)@3re9b]{%wjo09:rgc:Z&Ro6=<riifuaw&RmoKrNA!%(Ro4>Ro89;Ri`dSaL'UYzxZb)7Rka3xRhT&!,!#^1U}vbaz{>>@=be}yC@:D5bazzKu+A&!}{?ba}y>>@=be}wxBh[t`u~vJvr!%a!a()a,a0a4RoC=]o;Ju(!%RoGRhdwjh`=]oAg>w#Ro?g5vuRo=NvdRl|Ku]C.!&;RoEJvB!%RoORoMBx'h[v+_?w~h`}~5?w~hd~!xKh]oiptu-utv.vp!#%&a30a@a'a+(a/aOp(o~p!RoDJu(!%RoHRhewjha=]oBNvdRl}g>w#Ro@g5vuRo>c[#X']o<CauRoRAd-#Y':RkpauRoQKu]C.!&;RoFJvB!%RoNRoPBx'h]v+_?w~ha}t5?w~he}ue!/UbhYacXaW^Tc&a;b:a-c/#b&aja1(!cL+!bKbt!bmcRc9aIc?8[yW3Dtt94Rg`Jv}!&SiRMzBhEebShEMNuPRe>x7gL#TzuwjirRipc<Z&>on;>z=h-MSh.Mwqczx'a7vj&!>Re4@=ResJt__NuPRi*NuPRi)j]uNr|~FRfzKrJ>_+@Wfy@Wf]2WocKrJ<!+'@Wg%g/QRl@@Jv`!&awRl<wsfFIzgLu(w*!.*&ShBMwvhIRhI9;RhNx1hK'!#Sn]Mx1hK~0!#:2<H~7cNu+w7D*'1ZtW>Rn1~?rOc:Z&Rn2=<rQ<7wjh&=BSnLMc]#X(6Vz)w[b=a!U#9wzgMc3#&(RgMRitRis<x,gKt`ax!&+SioM=BSilMc3#&(RgKRinRimKurB,!&SiQMzBhDebShDM6BJQ!(P~Efx978B2@@=I}WLrJw!!,a*&@G}O@9wkibRid@@x'fKwC!&SlDMSfLMjUv~Q~EfKKv3@a+!(hFv-]mpx/hYZ(C5RiWz<o/MwkhY?So/M@x,gbvfB*&!SgEM:SoeeehFu3:Rgbda(,^TZa)X/7Sg[eb:2RgI~BrMC@wgkc:wwkcRerx3h(uUvK!&*,SnOM4Sh*MArRg;wHRh(x=h;rJvPwI!a4',a'0@Wg&=BSh/Mg>w=Rh=g3w*wwgGRgGcW(X#;Sg}M2Gzk@Jv`!&awRl=wsfGIz`dKZ*T'Y-:RhR7RhQg5u-p`j6v(us5d,#Y+~Awkia?RicOuNBwkibba}Ld6p~tyu_vbAa'a+!a/'a3aEa8a!>Sh,ebJv{!&Sh@ebSaReb9;SgwebNuPRi(NvdRl)NuPRi'hHu^<Rm^Jvv_@Wl(g;u1Si/ebKu'B&!*Sh?eb@Wl'z@aPeb95Si.ebcpputyvjB)!,&a+0a%ShAMWeK@G}C@WfJ9;RhMwvhH9w{ia}ix,hJvRA1(!zAn[MRhHx1hJ~*!#hFv(BSn[MBJQ!(@@=I~'978B2@@=I}2db.Ua<'X}+T#a0XaG2G}E;wkg|wuh!Rh!x,hZu,@)!&So0MVy)C5RiXACJvB!&5RiY5RiZg8w)cG}*T#2@bU}=KsA>(!a.3wkhZba~(x,h^u(A!&(SoCMRhb5Bz=h[eb?w~hb~6x,h_u(A!&(SoDMRhc5Bz=h]eb?w~hc~6e)aA1T#T,^^^c-bMb&blcPaP(a/!0!bA=b5c@a(!bfbrc#2afwmhARnjwchORnp2Wlf3DtsNvdRl-2@wpa<]m0bx(#:awRk2@Jw3!%RfhwpfgRlnKQB%!(G{V@G|'NuuRl6d='T+Y#VyUg<v~Rl~==G|<Jv+'!aYShC}6@B<5?ba~8@Jw3'!g2QRljhLrpWlOd+#Y'g.w'rIg>w*wgj@g-u0Rj@Lu+wT&)ZtUauq]~GrGci&U#F|39:rELrNvj!.%*RhCwunfw~nf~:9;Ri]>wtnhg;wHRnhx3hDs@v~!/+'@Wfr@9RkSNu&Rlo=@<5GzoKs0@_+@Wl+@awRkmJuh!-3d(}pY#qWJvj!%Rm(:Jw3!%Rm,Rm*de&!1U-U#`)Re;@G|.@9Ri82@wjfvRlq=@<5GzpLvOvr!).&2RlF8Rf`C=x!eE{.Jw3_g2QRlkhLrpWlPde(!#U{s,UXa*Ta'[y'g:v>ReS;x0PZ&RnlRnn~HrKJw1}f!=x!eB|2w]aP(#Xa&a*Ta.Ua2a7=]iOd'#Y&Ro&WnWg;u.RiDg6vjRiBNvdRlzhNvj]nYJuW_2Wm3x)kFze{9d])!a.!,Y01!#&aC!a3RndC=ox~BrC@2b^{pg,rlse7x'ksuq!%Rm.E{xidw(wBRmGx9o+)X#wwo-So-}69:Rl4@xSf@a#XZ'X)X,Ta(/ARl8b[xc>RfY:RlI:RfQwlg.ARl:9;Rlwdn'#^XafaQa1X1TaHTa)@b[{zcZ#X'7RkwWg@Ou4ARn&x)kG#{,g7u/RkGdH'U#Y*Vz'Wm&CARm|bx#(A]gUbUzJj9Q~=d,#Y(56H}l978H{U7d,0#U*2>ABb_xZ978BbU{e~AJQ{g!978BbU{hxMh?ad{oUYZ.x1h?{l!#:2<H{mx3n[t{vl!,&a%3Ro(z=iS}6ARnr=Bwsn^wvn`Rnbd`*T}B0!#^X'BG{c9b]{a>>@=be}F?JvS!&BG{d7BG}(Bde#`a1X,Ya@!a'P~=wxf@2bZ}I56B2@@=aybb}08@55B9;5bb}<j3vLv;<Jw3&!>Rfg=ayb^}&OuNBKuLA!)a!P~=x#fD{f2@>==<bbzl?C972@@=Ix^d6rSu,v7w*C(0a)a6#B+a%!sQ[y?3Dt%3[xn~<5rLOu!5p@Ku+D#'!t7~GrP~?rNKvlaya7'!h+v-5qMg=t|cd,U#5AAaa5Abb{S@52B5@a[@52B5Gx[iXueu;d<#`a(!/549C;ag>23ExY5@Dah89b^~689Jv)!~2b[~1Lv'w(%*!a#bX|aPrmawRe]keu7uhv-q6rxu,q`xTo]/a5aU!bNaDXbi!b-!ao!b<bwA!#5@B932:aV2G|:d-)Y#hJrL>RhG<7@C5<H|_=Cau:5aj5@B932:bJ|ng>vIbs)#?C2F|9jPv0w.vISh-MKvUaz(.!9ABbb|[5;5<H|Eg>unwfh;9:4E|YjQsBt|vjx'hYq3!(?C2F|J:2<BaY?C2F|GOu!5x,g|p{ah!-(?C2F|c9:4E|OjXuvvNr}:Rh&i[w*t|cd+U#jJvsu)vsSn~Mkfrmu9p}u7vwv]So!McW#Xa!ax5@A5aY:5;5<H|>kJv~vYrquJu3x4ib#T)2@SmZM?C2F|Bj:rmu9@xPhI(a*a#U#`a3-5Abb|L~@:RhK9:4E|0@52B5G|#C::aY?C2F|-:2<BaY?C2F|.5Jvk!a)javYrquJu3x4ia#T)2@SmYM?C2F|HAxPhH(!a#U#`a*-5Abb|4~@:RhJ9:4E|R@52B5G|F:2<BaY?C2F|Sc^#Xa2j=Qq5CJvB!-g<v{z;hhM?C2F|Zi[vrv{z;hiM?C2F|XKsA>!a)-g<v{z;h[eb?C2F|]i[vrv{z;h]eb?C2F|^iZu.vix,hZq3ah!.(?C2F|QOu!5ShXM:2<BaY?C2F|P",13494,2713,49,25,61);var ee;(function(e){e[e.VALUE_LENGTH=49152]="VALUE_LENGTH",e[e.FLAG13=8192]="FLAG13",e[e.BRANCH_LENGTH=8064]="BRANCH_LENGTH",e[e.JUMP_TABLE=127]="JUMP_TABLE",e[e.VALUE_MASK=8191]="VALUE_MASK"})(ee||(ee={}));var ae;(function(e){e[e.AMP=38]="AMP",e[e.NUM=35]="NUM",e[e.SEMI=59]="SEMI",e[e.EQUALS=61]="EQUALS",e[e.ZERO=48]="ZERO",e[e.NINE=57]="NINE",e[e.LOWER_A=97]="LOWER_A",e[e.LOWER_X=120]="LOWER_X"})(ae||(ae={}));var pn=32,Po=21,ic=2097151,Mr=2047,Bo=0;function oc(e){let t=e>>>Po;return t===Mr?Bo:t}function $o(e){return e-ae.ZERO>>>0<=9}function sc(e){return(e|pn)-ae.LOWER_A>>>0<=5}function jo(e){return(e|pn)-ae.LOWER_A>>>0<=25}function ac(e){return e===ae.EQUALS||jo(e)||$o(e)}var No;(function(e){e[e.EntityStart=0]="EntityStart",e[e.NumericStart=1]="NumericStart",e[e.NumericDecimal=2]="NumericDecimal",e[e.NumericHex=3]="NumericHex",e[e.NamedEntity=4]="NamedEntity"})(No||(No={}));var Lr;(function(e){e[e.Legacy=0]="Legacy",e[e.Strict=1]="Strict",e[e.Attribute=2]="Attribute"})(Lr||(Lr={}));function lc(e,t,n,r){let i=(t&ee.BRANCH_LENGTH)>>7,o=t&ee.JUMP_TABLE;if(o){if(i===0)return r===o?n:-1;let c=r-o;if(c>>>0>=i)return-1;let u=e[n+c];return u===0?-1:n+i+u-1&65535}if(i===0)return-1;let s=i+1>>1,a=n+s+i;for(let c=0;c<i;c++){let h=e[n+(c>>1)]>>((c&1)<<3)&255;if(h===r){let d=n+s+c;return a+e[d]&65535}if(h>r)return-1}return-1}function Oo(e,t,n){return n===1?String.fromCharCode(e[t]&ee.VALUE_MASK):n===2?String.fromCharCode(e[t+1]):String.fromCharCode(e[t+1],e[t+2])}function cc(e,t,n){let r=t+1,i=0,o=r;if(r<n&&(e.charCodeAt(r)|pn)===ae.LOWER_X)for(r+=1,o=r;r<n;){let a=e.charCodeAt(r);if($o(a))i=i*16+(a-ae.ZERO);else if(sc(a))i=i*16+((a|pn)-ae.LOWER_A+10);else break;r+=1}else for(;r<n;){let a=e.charCodeAt(r)-ae.ZERO;if(a>>>0>9)break;i=i*10+a,r+=1}if(r===o)return 0;r<n&&e.charCodeAt(r)===ae.SEMI&&(r+=1),i>1114111&&(i=1114112);let s=r-t;return s>=Mr&&(Bo=s,s=Mr),s<<Po|i}function uc(e,t,n){let r=zo,i=e.indexOf("&");if(i<0)return e;let o=e.length,s=0,a="",c=r[0],u=c&ee.JUMP_TABLE,h=(c&ee.BRANCH_LENGTH)>>7;do{let d=i+1,g=e.charCodeAt(d),m,p;if(g===ae.NUM){let _=cc(e,d,o);m=oc(_),t&&m>0&&e.charCodeAt(d+m-1)!==ae.SEMI&&(m=0),p=m===0?"":Lo(_&ic)}else if(jo(g)){m=0,p="";let _=g-u,x;if(_>>>0<h){let C=r[1+_];x=C===0?-1:h+C&65535}else x=-1;let R=0,T=0,y=x<0?0:r[x],E=d+1;e:for(;E<o;){for(;(y&(ee.VALUE_LENGTH|ee.FLAG13))===0&&(y&ee.JUMP_TABLE)!==0;){let N=y&ee.JUMP_TABLE,O=(y&ee.BRANCH_LENGTH)>>7;if(O===0){if(e.charCodeAt(E)!==N)break e;x+=1}else{let z=e.charCodeAt(E)-N;if(z>>>0>=O)break e;let M=r[x+1+z];if(M===0)break e;x=x+O+M&65535}if(y=r[x],E+=1,E>=o)break e}if((y&(ee.VALUE_LENGTH|ee.FLAG13))===ee.FLAG13){let N=(y&ee.BRANCH_LENGTH)>>7;if(e.charCodeAt(E)!==(y&ee.JUMP_TABLE))break;E+=1;let O=N-1,z=x+1,M=0;for(;M+1<O;M+=2){let A=r[z];if(e.charCodeAt(E)!==(A&255)||(E+=1,e.charCodeAt(E)!==(A>>8&255)))break e;E+=1,z+=1}if(M<O){if(e.charCodeAt(E)!==(r[z]&255))break;E+=1}x+=1+(N>>1),y=r[x];continue}let C=y>>>14,D=e.charCodeAt(E);if(C!==0){if(D===ae.SEMI){m=E-d+1,p=C===1?String.fromCharCode(y&ee.VALUE_MASK):Oo(r,x,C);break}if(!t&&(y&ee.FLAG13)===0&&(m=E-d,R=x,T=C),C===1)break}let I=lc(r,y,x+(C||1),D);if(I<0)break;x=I,y=r[x],E+=1}if(p===""){let C=y>>>14;C!==0&&!t&&(y&ee.FLAG13)===0&&(m=E-d,R=x,T=C),m>0&&(p=Oo(r,R,T))}}else m=0,p="";m===0||n&&g!==ae.NUM&&e.charCodeAt(d+m-1)!==ae.SEMI&&d+m<o&&ac(e.charCodeAt(d+m))?i=d:(s<i&&(a+=e.slice(s,i)),a+=p,i=s=d+m),e.charCodeAt(i)!==ae.AMP&&(i=e.indexOf("&",i))}while(i>=0);return a+e.slice(s)}function mn(e){return uc(e,!0,!1)}var Ho;(function(e){e[e.XML=0]="XML",e[e.HTML=1]="HTML"})(Ho||(Ho={}));var Uo;(function(e){e[e.UTF8=0]="UTF8",e[e.ASCII=1]="ASCII",e[e.Extensive=2]="Extensive",e[e.Attribute=3]="Attribute",e[e.Text=4]="Text"})(Uo||(Uo={}));var hc=class{src_Any=Cr.source;src_Cc=Tr.source;src_Z=Sr.source;src_P=yt.source;src_ZPCc=[this.src_Z,this.src_P,this.src_Cc].join("|");src_ZCc=[this.src_Z,this.src_Cc].join("|");cache={};opts={maxLength:1e4,urlAuth:!1,schema_names:[]};constructor(e={}){this.opts={...this.opts,...e}}set(e={}){return this.opts={...this.opts,...e},this.cache={},this}escapeRE(e){return e.replace(/[.?*+^$[\]\\(){}|-]/g,"\\$&")}nestedPairRE(e,t,n=4){let r=this.escapeRE(e),i=this.escapeRE(t),o=`(?:(?!${this.src_ZCc}|${r}|${i}).)`,s=`${r}${o}{0,1000}${i}`;for(let a=2;a<=n;a++)s=`${r}(?:${o}|${s}){0,1000}${i}`;return s}get_text_separators(){return this.cache.text_separators??=/[><\uff5c]/}get_pseudo_letter(){return this.cache.src_pseudo_letter??=new RegExp(`(?:(?!${this.get_text_separators().source}|${this.src_ZPCc})${this.src_Any})`)}get_ipv4_addr(){return this.cache.src_ip4??=new RegExp("(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]|[0-9])[.]){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]|[0-9])")}get_ipv6_addr(){let e="[0-9A-Fa-f]{1,4}",t=`(?:(?:${e}:${e})|${this.get_ipv4_addr().source})`;return this.cache.src_ip6_addr??=new RegExp(`(?:(?:${e}:){6}${t}|::(?:${e}:){5}${t}|(?:${e})?::(?:${e}:){4}${t}|(?:(?:${e}:){0,1}${e})?::(?:${e}:){3}${t}|(?:(?:${e}:){0,2}${e})?::(?:${e}:){2}${t}|(?:(?:${e}:){0,3}${e})?::${e}:${t}|(?:(?:${e}:){0,4}${e})?::${t}|(?:(?:${e}:){0,5}${e})?::${e}|(?:(?:${e}:){0,6}${e})?::)`)}get_ipv6_url_host(){return this.cache.src_ip6_host??=new RegExp(`\\[${this.get_ipv6_addr().source}\\]`)}get_ipv6_mail_host(){return this.cache.src_ipv6_mail_host??=new RegExp(`\\[IPv6:${this.get_ipv6_addr().source}\\]`)}get_auth(){return this.cache.src_auth??=new RegExp(`(?:(?:(?!${this.src_ZCc}|[@/\\[\\]()]).){1,50}@)?`)}get_port(){return this.cache.src_port??=new RegExp("(?::(?:6(?:[0-4]\\d{3}|5(?:[0-4]\\d{2}|5(?:[0-2]\\d|3[0-5])))|[1-5]?\\d{1,4}))?")}get_host_terminator(){return this.cache.src_host_terminator??=new RegExp(`(?=$|${this.get_text_separators().source}|${this.src_ZPCc})(?!${this.opts["---"]?"-(?!--)|":"-|"}_|:\\d|\\.-|\\.(?!$|${this.src_ZPCc}))`)}get_path_terminator(){return this.cache.src_path_terminator??=new RegExp(`${this.src_ZPCc}|${this.get_text_separators().source}`)}get_path(){return this.cache.src_path??=new RegExp(`(?:[/?#](?:${this.nestedPairRE("[","]")}|${this.nestedPairRE("(",")")}|${this.nestedPairRE("{","}")}|\\"(?:(?!${this.src_ZCc}|["]).){1,100}\\"|\\'(?:(?!${this.src_ZCc}|[']).){1,100}\\'|\\'(?=${this.get_pseudo_letter().source}|[-])|\\.{2,20}[:]?[a-zA-Z0-9%/&]|\\.(?!${this.src_ZCc}|[.]|$)|`+(this.opts["---"]?"\\-(?!--(?:[^-]|$))(?:-{0,19})|":"\\-{1,20}|")+`,(?!${this.src_ZCc}|$)|;(?!${this.src_ZCc}|$)|\\!{1,20}(?!${this.src_ZCc}|[!]|$)|\\?(?!${this.src_ZCc}|[?]|$)|`+this.get_path_extra().source+`[\\\\/:%@#&=_~*]|(?!${this.get_path_terminator().source}).){1,${this.opts.maxLength}}|\\/)?`)}get_mail_name(){return this.cache.src_mail_name??=new RegExp("[-!#$%&'*+/=?^_`{|}~a-zA-Z0-9](?:[-!#$%&'*+/=?^_`{|}~a-zA-Z0-9]|[.](?=[-!#$%&'*+/=?^_`{|}~a-zA-Z0-9])){0,63}")}get_xn(){return this.cache.src_xn??=new RegExp("xn--[a-z0-9\\-]{1,59}")}get_tld(){if(this.cache.tld)return this.cache.tld;let e=[...new Set(this.opts.tlds||[])].sort().reverse().join("|");return this.cache.tld=new RegExp(`${e||"$#none#$"}|${this.get_xn().source}`),this.cache.tld}get_domain_root(){return this.cache.src_domain_root??=new RegExp("(?:"+this.get_xn().source+`|${this.get_pseudo_letter().source}{1,63})`)}get_domain(){return this.cache.src_domain??=new RegExp("(?:"+this.get_xn().source+`|(?:${this.get_pseudo_letter().source})|(?:${this.get_pseudo_letter().source}(?:-|${this.get_pseudo_letter().source}){0,61}${this.get_pseudo_letter().source}))`)}get_url_host_port(){return this.cache.url_host_port??=new RegExp("(?:"+this.get_ipv6_url_host().source+`|(?:(?:(?:${this.get_domain().source})\\.){0,10}${this.get_domain().source}))`+this.get_port().source+this.get_host_terminator().source)}get_fuzzy_url_host_port(){return this.cache.fuzzy_url_host_port??=new RegExp("(?:"+(this.opts.fuzzyIP?this.get_ipv4_addr().source+"|":"")+`(?:(?:(?:${this.get_domain().source})\\.){1,10}(?:${this.get_tld().source})))`+this.get_host_terminator().source)}get_mail_host(){return this.cache.src_mail_host??=new RegExp("(?:"+this.get_ipv6_mail_host().source+`|(?:(?:(?:${this.get_domain().source})\\.){0,4}${this.get_domain().source}))`+this.get_host_terminator().source)}get_fuzzy_mail_host(){return this.cache.src_fuzzy_mail_host??=new RegExp("(?:"+this.get_ipv6_mail_host().source+`|(?:(?:(?:${this.get_domain().source})[.]){1,4}${this.get_domain_root().source}))`+this.get_host_terminator().source)}get_path_extra(){return this.cache.src_path_extra??=new RegExp("")}get_fuzzy_mail_host_search(){return this.cache.mail_fuzzy_host_search??=new RegExp(`@${this.get_fuzzy_mail_host().source}`,"ig")}get_fuzzy_link_search(){return this.cache.link_fuzzy_search??=new RegExp(`(^|(?![.:/\\-_@])(?:[$+<=>^\`|｜]|${this.src_ZPCc}))(?:(?![$+<=>^\`|｜])${this.get_fuzzy_url_host_port().source}${this.get_path().source})`,"ig")}get_http_validator(){return this.cache.http_validator??=new RegExp("\\/\\/"+(this.opts.urlAuth?this.get_auth().source:"")+this.get_url_host_port().source+this.get_path().source,"iy")}get_relative_proto_validator(){return this.cache.relative_proto_validator??=new RegExp((this.opts.urlAuth?this.get_auth().source:"")+`(?:localhost|${this.get_ipv6_url_host().source}|(?:(?:${this.get_domain().source})[.]){1,10}${this.get_domain_root().source})`+this.get_port().source+this.get_host_terminator().source+this.get_path().source,"iy")}get_mail_name_validator(){return this.cache.mail_name_validator??=new RegExp(`(?:^|${this.get_text_separators().source}|"|\\(|${this.src_ZCc})(${this.get_mail_name().source})$`)}get_mailto_validator(){return this.cache.mailto_validator??=new RegExp(`${this.get_mail_name().source}@${this.get_mail_host().source}`,"iy")}get_schema_names(){return this.cache.schema_names??=new RegExp((this.opts.schema_names||[]).map(e=>this.escapeRE(e)).join("|"))}get_schema_search(){return this.cache.schema_search??=new RegExp(`(^|(?!_)(?:[><｜]|${this.src_ZPCc}))(${this.get_schema_names().source})`,"ig")}get_schema_at_start(){return this.cache.schema_at_start??=new RegExp(`^${this.get_schema_search().source}`,"i")}},Ir={validate:(e,t,n)=>{let r=n.re.get_http_validator();r.lastIndex=t;let i=r.exec(e);return i?i[0].length:0},normalize:(e,t)=>t.normalize(e)},fc={"http:":Ir,"https:":Ir,"ftp:":Ir,"//":{validate:function(e,t,n){let r=n.re.get_relative_proto_validator();r.lastIndex=t;let i=r.exec(e);return i?t>=3&&e[t-3]===":"||t>=3&&e[t-3]==="/"?0:i[0].length:0},normalize:(e,t)=>t.normalize(e)},"mailto:":{validate:function(e,t,n){let r=n.re.get_mailto_validator();r.lastIndex=t;let i=r.exec(e);return i?i[0].length:0},normalize:(e,t)=>t.normalize(e)}},pc="a:cdefgilmnoqrstuwxz|b:abdefghijmnorstvwyz|c:acdfghiklmnoruvwxyz|d:ejkmoz|e:cegrstu|f:ijkmor|g:abdefghilmnpqrstuwy|h:kmnrtu|i:delmnoqrst|j:emop|k:eghimnprwyz|l:abcikrstuvy|m:acdeghklmnopqrstuvwxyz|n:acefgilopruz|o:m|p:aefghklmnrstwy|q:a|r:eosuw|s:abcdeghijklmnortuvxyz|t:cdfghjklmnortvwz|u:agksyz|v:aceginu|w:fs|y:et|z:amw",mc="biz|com|edu|gov|net|org|pro|web|xxx|aero|asia|coop|info|museum|name|shop|рф";function gc(){let e=mc.split("|");return pc.split("|").forEach(t=>{let n=t.indexOf(":"),r=t.slice(0,n);for(let i of t.slice(n+1))e.push(r+i)}),e}var bc={fuzzyLink:!1,fuzzyEmail:!0,fuzzyIP:!1,"---":!1,tlds:gc(),urlAuth:!1,maxLength:1e4},Vo=class{schema;index;lastIndex;raw;text;url;constructor(e,t,n,r){let i=e.slice(n,r);this.schema=t.toLowerCase(),this.index=n,this.lastIndex=r,this.raw=i,this.text=i,this.url=i}},Wo=class{__opts__;__schemas__;re;constructor(e={}){let{rebuilder:t,...n}=e;this.__opts__={...bc,...n},this.__schemas__={...fc},this.re=t||new hc,this.re.set({...this.__opts__,schema_names:Object.keys(this.__schemas__)})}add(e,t=null){if(!t)delete this.__schemas__[e];else{let n={normalize:(r,i)=>i.normalize(r),...t};this.__schemas__[e]=n}return this.re.set({...this.__opts__,schema_names:Object.keys(this.__schemas__)}),this}set(e={}){return this.__opts__={...this.__opts__,...e},this.re.set({...this.__opts__,schema_names:Object.keys(this.__schemas__)}),this}test(e){if(!e.length)return!1;let t,n;for(n=this.re.get_schema_search(),n.lastIndex=0;(t=n.exec(e))!==null;)if(this.testSchemaAt(e,t[2],n.lastIndex))return!0;if(this.__opts__.fuzzyLink&&this.__schemas__["http:"]&&(n=this.re.get_fuzzy_link_search(),n.lastIndex=0,n.exec(e)!==null))return!0;if(this.__opts__.fuzzyEmail&&this.__schemas__["mailto:"]&&e.indexOf("@")>=0){let r=this.re.get_fuzzy_mail_host_search(),i=this.re.get_mail_name_validator();for(r.lastIndex=0;(t=r.exec(e))!==null;){let o=e.slice(Math.max(0,t.index-65),t.index);if(i.test(o))return!0}}return!1}testSchemaAt(e,t,n){return this.__schemas__[t.toLowerCase()]?this.__schemas__[t.toLowerCase()].validate(e.slice(0,n+this.__opts__.maxLength),n,this):0}match(e){let t=[],n=this.re.get_schema_search(),r,i,o,s,a,c,u=!1,h=!1,d=!1,g=0;if(!e.length)return null;for(n.lastIndex=0,this.__opts__.fuzzyLink&&this.__schemas__["http:"]&&(r=this.re.get_fuzzy_link_search(),r.lastIndex=0),this.__opts__.fuzzyEmail&&this.__schemas__["mailto:"]&&(i=this.re.get_fuzzy_mail_host_search(),i.lastIndex=0,o=this.re.get_mail_name_validator());;){let m=Math.max(g-1,0);if(i&&o&&!d&&(!a||a.index<g))for(i.lastIndex<m&&(i.lastIndex=m);;){let T=i.exec(e);if(!T){d=!0,a=void 0;break}let y=o.exec(e.slice(Math.max(0,T.index-65),T.index));if(y){if(a={schema:"mailto:",index:T.index-y[1].length,lastIndex:T.index+T[0].length},a.index>=g)break;i.lastIndex<m&&(i.lastIndex=m)}}if(r&&!h&&(!s||s.index<g))for(r.lastIndex<m&&(r.lastIndex=m);;){let T=r.exec(e);if(!T){h=!0,s=void 0;break}if(s={schema:"",index:T.index+T[1].length,lastIndex:T.index+T[0].length},s.index>=g)break;r.lastIndex<m&&(r.lastIndex=m)}let p=a;(!p||s&&(s.index<p.index||s.index===p.index&&s.lastIndex>p.lastIndex))&&(p=s);let _;if(!u)for(;;){if(!c){n.lastIndex<m&&(n.lastIndex=m);let E=n.exec(e);if(!E){u=!0;break}c={schema:E[2],index:E.index+E[1].length,lastIndex:E.index+E[0].length}}if(c.index<g){c=void 0;continue}if(p&&c.index>p.index)break;let T=c;c=void 0;let y=this.testSchemaAt(e,T.schema,T.lastIndex);if(y){_={schema:T.schema,index:T.index,lastIndex:T.lastIndex+y};break}}let x=_;if((!x||a&&(a.index<x.index||a.index===x.index&&a.lastIndex>x.lastIndex))&&(x=a),(!x||s&&(s.index<x.index||s.index===x.index&&s.lastIndex>x.lastIndex))&&(x=s),!x)break;x===a?a=void 0:x===s&&(s=void 0);let R=new Vo(e,x.schema,x.index,x.lastIndex);R.schema?this.__schemas__[R.schema].normalize(R,this):this.normalize(R),t.push(R),g=x.lastIndex}return t.length?t:null}matchAtStart(e){if(!e.length)return null;let t=this.re.get_schema_at_start().exec(e);if(!t)return null;let n=this.testSchemaAt(e,t[2],t[0].length);if(!n)return null;let r=new Vo(e,t[2],t.index+t[1].length,t.index+t[0].length+n);return this.__schemas__[r.schema].normalize(r,this),r}tlds(e,t=!1){return e=Array.isArray(e)?e:[e],t?this.__opts__.tlds=this.__opts__.tlds.concat(e):this.__opts__.tlds=e,this.re.set({...this.__opts__,schema_names:Object.keys(this.__schemas__)}),this}normalize(e){e.schema||(e.url=`http://${e.url}`),e.schema==="mailto:"&&!/^mailto:/i.test(e.url)&&(e.url=`mailto:${e.url}`)}};var vc=/^xn--/,xc=/[^\0-\x7F]/,wc=/[\x2E\u3002\uFF0E\uFF61]/g,kc={overflow:"Overflow: input needs wider integers to process","not-basic":"Illegal input >= 0x80 (not a basic code point)","invalid-input":"Invalid input"},zr=35,xe=Math.floor,Nr=String.fromCharCode;function Pe(e){throw new RangeError(kc[e])}function _c(e,t){let n=[],r=e.length;for(;r--;)n[r]=t(e[r]);return n}function qo(e,t){let n=e.split("@"),r="";n.length>1&&(r=n[0]+"@",e=n[1]),e=e.replace(wc,".");let i=e.split("."),o=_c(i,t).join(".");return r+o}function Go(e){let t=[],n=0,r=e.length;for(;n<r;){let i=e.charCodeAt(n++);if(i>=55296&&i<=56319&&n<r){let o=e.charCodeAt(n++);(o&64512)==56320?t.push(((i&1023)<<10)+(o&1023)+65536):(t.push(i),n--)}else t.push(i)}return t}var yc=e=>String.fromCodePoint(...e),Ac=function(e){return e>=48&&e<58?26+(e-48):e>=65&&e<91?e-65:e>=97&&e<123?e-97:36},Jo=function(e,t){return e+22+75*(e<26)-((t!=0)<<5)},Zo=function(e,t,n){let r=0;for(e=n?xe(e/700):e>>1,e+=xe(e/t);e>zr*26>>1;r+=36)e=xe(e/zr);return xe(r+(zr+1)*e/(e+38))},Xo=function(e){let t=[],n=e.length,r=0,i=128,o=72,s=e.lastIndexOf("-");s<0&&(s=0);for(let a=0;a<s;++a)e.charCodeAt(a)>=128&&Pe("not-basic"),t.push(e.charCodeAt(a));for(let a=s>0?s+1:0;a<n;){let c=r;for(let h=1,d=36;;d+=36){a>=n&&Pe("invalid-input");let g=Ac(e.charCodeAt(a++));g>=36&&Pe("invalid-input"),g>xe((2147483647-r)/h)&&Pe("overflow"),r+=g*h;let m=d<=o?1:d>=o+26?26:d-o;if(g<m)break;let p=36-m;h>xe(2147483647/p)&&Pe("overflow"),h*=p}let u=t.length+1;o=Zo(r-c,u,c==0),xe(r/u)>2147483647-i&&Pe("overflow"),i+=xe(r/u),r%=u,t.splice(r++,0,i)}return String.fromCodePoint(...t)},Yo=function(e){let t=[];e=Go(e);let n=e.length,r=128,i=0,o=72;for(let c of e)c<128&&t.push(Nr(c));let s=t.length,a=s;for(s&&t.push("-");a<n;){let c=2147483647;for(let h of e)h>=r&&h<c&&(c=h);let u=a+1;c-r>xe((2147483647-i)/u)&&Pe("overflow"),i+=(c-r)*u,r=c;for(let h of e)if(h<r&&++i>2147483647&&Pe("overflow"),h===r){let d=i;for(let g=36;;g+=36){let m=g<=o?1:g>=o+26?26:g-o;if(d<m)break;let p=d-m,_=36-m;t.push(Nr(Jo(m+p%_,0))),d=xe(p/_)}t.push(Nr(Jo(d,0))),o=Zo(i,u,a===s),i=0,++a}++i,++r}return t.join("")},Ec=function(e){return qo(e,function(t){return vc.test(t)?Xo(t.slice(4).toLowerCase()):t})},Rc=function(e){return qo(e,function(t){return xc.test(t)?"xn--"+Yo(t):t})},Cc={version:"2.3.1",ucs2:{decode:Go,encode:yc},decode:Xo,encode:Yo,toASCII:Rc,toUnicode:Ec};var Or=Cc;/*! markdown-it 15.0.3 https://github.com/markdown-it/markdown-it @license MIT */var Ko=Object.defineProperty,us=(e,t)=>{let n={};for(var r in e)Ko(n,r,{get:e[r],enumerable:!0});return t||Ko(n,Symbol.toStringTag,{value:"Module"}),n},Tc=us({arrayReplaceAt:()=>Dc,asciiTrim:()=>wn,callable:()=>ds,escapeHtml:()=>Be,escapeRE:()=>Bc,fromCodePoint:()=>Et,isMdAsciiPunct:()=>Tt,isPunctChar:()=>fs,isPunctCharCode:()=>Ct,isSpace:()=>W,isValidEntityCode:()=>Ur,isWhiteSpace:()=>Rt,lib:()=>$c,normalizeReference:()=>xn,unescapeAll:()=>at,unescapeMd:()=>Lc});function ds(e){let t=function(...n){return Reflect.construct(e,n,new.target&&new.target!==t?new.target:e)};return Object.defineProperty(t,"name",{value:e.name}),Object.setPrototypeOf(t,e),t.prototype=e.prototype,t}function Dc(e,t,n){return[].concat(e.slice(0,t),n,e.slice(t+1))}function Ur(e){return!(e>=55296&&e<=57343||e>=64976&&e<=65007||(e&65535)===65535||(e&65535)===65534||e>=0&&e<=8||e===11||e>=14&&e<=31||e>=127&&e<=159||e>1114111)}function Et(e){if(e>65535){e-=65536;let t=55296+(e>>10),n=56320+(e&1023);return String.fromCharCode(t,n)}return String.fromCharCode(e)}var hs=/\\([!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~])/g,Sc=new RegExp(`${hs.source}|${/&([a-z#][a-z0-9]{1,31});/gi.source}`,"gi"),Fc=/^#((?:x[a-f0-9]{1,8}|[0-9]{1,8}))$/i;function Mc(e,t){if(t.charCodeAt(0)===35&&Fc.test(t)){let r=t[1].toLowerCase()==="x"?parseInt(t.slice(2),16):parseInt(t.slice(1),10);return Ur(r)?Et(r):e}let n=mn(e);return n!==e?n:e}function Lc(e){return e.indexOf("\\")<0?e:e.replace(hs,"$1")}function at(e){return e.indexOf("\\")<0&&e.indexOf("&")<0?e:e.replace(Sc,function(t,n,r){return n||Mc(t,r)})}var Ic=/[&<>"]/,zc=/[&<>"]/g,Nc={"&":"&amp;","<":"&lt;",">":"&gt;",'"':"&quot;"};function Oc(e){return Nc[e]}function Be(e){return Ic.test(e)?e.replace(zc,Oc):e}var Pc=/[.?*+^$[\]\\(){}|-]/g;function Bc(e){return e.replace(Pc,"\\$&")}function W(e){switch(e){case 9:case 32:return!0}return!1}function Rt(e){if(e>=8192&&e<=8202)return!0;switch(e){case 9:case 10:case 11:case 12:case 13:case 32:case 160:case 5760:case 8239:case 8287:case 12288:return!0}return!1}function fs(e){return yt.test(e)||Dr.test(e)}function Ct(e){return fs(Et(e))}function Tt(e){switch(e){case 33:case 34:case 35:case 36:case 37:case 38:case 39:case 40:case 41:case 42:case 43:case 44:case 45:case 46:case 47:case 58:case 59:case 60:case 61:case 62:case 63:case 64:case 91:case 92:case 93:case 94:case 95:case 96:case 123:case 124:case 125:case 126:return!0;default:return!1}}function xn(e){return e=e.trim().replace(/\s+/g," "),e.toLowerCase().toUpperCase()}function Qo(e){return e===32||e===9||e===10||e===13}function wn(e){let t=0;for(;t<e.length&&Qo(e.charCodeAt(t));t++);let n=e.length-1;for(;n>=t&&Qo(e.charCodeAt(n));n--);return e.slice(t,n+1)}var $c={mdurl:Rr,ucmicro:Fr};function jc(e,t,n){let r,i,o,s,a=e.posMax,c=e.pos;for(e.pos=t+1,r=1;e.pos<a;){if(o=e.src.charCodeAt(e.pos),o===93&&(r--,r===0)){i=!0;break}if(s=e.pos,e.md.inline.skipToken(e),o===91){if(s===e.pos-1)r++;else if(n)return e.pos=c,-1}}let u=-1;return i&&(u=e.pos),e.pos=c,u}function Hc(e,t,n){let r,i=t,o={ok:!1,pos:0,str:""};if(e.charCodeAt(i)===60){for(i++;i<n;){if(r=e.charCodeAt(i),r===10||r===60)return o;if(r===62)return o.pos=i+1,o.str=at(e.slice(t+1,i)),o.ok=!0,o;if(r===92&&i+1<n){i+=2;continue}i++}return o}let s=0;for(;i<n&&(r=e.charCodeAt(i),!(r===32||r<32||r===127));){if(r===92&&i+1<n){if(e.charCodeAt(i+1)===32){i++;continue}i+=2;continue}if(r===40&&(s++,s>32))return o;if(r===41){if(s===0)break;s--}i++}return t===i||s!==0||(o.str=at(e.slice(t,i)),o.pos=i,o.ok=!0),o}function Uc(e,t,n,r){let i,o=t,s={ok:!1,can_continue:!1,pos:0,str:"",marker:0};if(r)s.str=r.str,s.marker=r.marker;else{if(o>=n)return s;let a=e.charCodeAt(o);if(a!==34&&a!==39&&a!==40)return s;t++,o++,a===40&&(a=41),s.marker=a}for(;o<n;){if(i=e.charCodeAt(o),i===s.marker)return s.pos=o+1,s.str+=at(e.slice(t,o)),s.ok=!0,s;if(i===40&&s.marker===41)return s;i===92&&o+1<n&&o++,o++}return s.can_continue=!0,s.str+=at(e.slice(t,o)),s}var Vc=us({parseLinkDestination:()=>Hc,parseLinkLabel:()=>jc,parseLinkTitle:()=>Uc});function Dt(e){"@babel/helpers - typeof";return Dt=typeof Symbol=="function"&&typeof Symbol.iterator=="symbol"?function(t){return typeof t}:function(t){return t&&typeof Symbol=="function"&&t.constructor===Symbol&&t!==Symbol.prototype?"symbol":typeof t},Dt(e)}function Wc(e,t){if(Dt(e)!="object"||!e)return e;var n=e[Symbol.toPrimitive];if(n!==void 0){var r=n.call(e,t||"default");if(Dt(r)!="object")return r;throw new TypeError("@@toPrimitive must return a primitive value.")}return(t==="string"?String:Number)(e)}function Jc(e){var t=Wc(e,"string");return Dt(t)=="symbol"?t:t+""}function S(e,t,n){return(t=Jc(t))in e?Object.defineProperty(e,t,{value:n,enumerable:!0,configurable:!0,writable:!0}):e[t]=n,e}var Ge=class{constructor(e,t,n){S(this,"map",null),S(this,"level",0),S(this,"children",null),S(this,"content",""),S(this,"markup",""),S(this,"info",""),S(this,"block",!1),S(this,"hidden",!1),this.type=e,this.tag=t,this.attrs=null,this.nesting=n,this.meta=null}attrIndex(e){if(!this.attrs)return-1;let t=this.attrs;for(let n=0,r=t.length;n<r;n++)if(t[n][0]===e)return n;return-1}attrPush(e){this.attrs?this.attrs.push(e):this.attrs=[e]}attrSet(e,t){let n=this.attrIndex(e),r=[e,t];n<0?this.attrPush(r):this.attrs[n]=r}attrGet(e){let t=this.attrIndex(e),n=null;return t>=0&&(n=this.attrs[t][1]),n}attrJoin(e,t){let n=this.attrIndex(e);n<0?this.attrPush([e,t]):this.attrs[n][1]=`${this.attrs[n][1]} ${t}`}},St=class{constructor(){S(this,"__rules__",[]),S(this,"__cache__",null)}__find__(e){for(let t=0;t<this.__rules__.length;t++)if(this.__rules__[t].name===e)return t;return-1}__compile__(){let e=new Set;this.__rules__.forEach(t=>{t.enabled&&t.alt.forEach(n=>{n&&e.add(n)})}),this.__cache__=Object.create(null),this.__cache__[""]=[],this.__rules__.forEach(t=>{t.enabled&&this.__cache__[""].push(t.fn)}),e.forEach(t=>{this.__cache__[t]=[],this.__rules__.forEach(n=>{n.enabled&&n.alt.indexOf(t)>=0&&this.__cache__[t].push(n.fn)})})}at(e,t,n={}){let r=this.__find__(e);if(r===-1)throw new Error(`Parser rule not found: ${e}`);this.__rules__[r].fn=t,this.__rules__[r].alt=n.alt||[],this.__cache__=null}before(e,t,n,r={}){let i=this.__find__(e);if(i===-1)throw new Error(`Parser rule not found: ${e}`);this.__rules__.splice(i,0,{name:t,enabled:!0,fn:n,alt:r.alt||[]}),this.__cache__=null}after(e,t,n,r={}){let i=this.__find__(e);if(i===-1)throw new Error(`Parser rule not found: ${e}`);this.__rules__.splice(i+1,0,{name:t,enabled:!0,fn:n,alt:r.alt||[]}),this.__cache__=null}push(e,t,n={}){this.__rules__.push({name:e,enabled:!0,fn:t,alt:n.alt||[]}),this.__cache__=null}enable(e,t=!1){Array.isArray(e)||(e=[e]);let n=[];return e.forEach(r=>{let i=this.__find__(r);if(i<0){if(t)return;throw new Error(`Rules manager: invalid rule name ${r}`)}this.__rules__[i].enabled=!0,n.push(r)}),this.__cache__=null,n}enableOnly(e,t=!1){Array.isArray(e)||(e=[e]),this.__rules__.forEach(n=>{n.enabled=!1}),this.enable(e,t)}disable(e,t=!1){Array.isArray(e)||(e=[e]);let n=[];return e.forEach(r=>{let i=this.__find__(r);if(i<0){if(t)return;throw new Error(`Rules manager: invalid rule name ${r}`)}this.__rules__[i].enabled=!1,n.push(r)}),this.__cache__=null,n}getRules(e){return this.__cache__||this.__compile__(),this.__cache__[e]||[]}},we={};we.code_inline=function(e,t,n,r,i){let o=e[t];return`<code${i.renderAttrs(o)}>${Be(o.content)}</code>`};we.code_block=function(e,t,n,r,i){let o=e[t];return`<pre${i.renderAttrs(o)}><code>${Be(e[t].content)}</code></pre>
`};we.fence=function(e,t,n,r,i){let o=e[t],s=o.info?at(o.info).trim():"",a="",c="";if(s){let h=s.split(/(\s+)/g);a=h[0],c=h.slice(2).join("")}let u;if(n.highlight?u=n.highlight(o.content,a,c)||Be(o.content):u=Be(o.content),u.indexOf("<pre")===0)return u+`
`;if(s){let h=o.attrIndex("class"),d=o.attrs?o.attrs.slice():[];h<0?d.push(["class",`${n.langPrefix}${a}`]):(d[h]=[d[h][0],d[h][1]],d[h][1]+=` ${n.langPrefix}${a}`);let g={attrs:d};return`<pre><code${i.renderAttrs(g)}>${u}</code></pre>
`}return`<pre><code${i.renderAttrs(o)}>${u}</code></pre>
`};we.image=function(e,t,n,r,i){let o=e[t];return o.attrs[o.attrIndex("alt")][1]=i.renderInlineAsText(o.children,n,r),i.renderToken(e,t,n)};we.hardbreak=function(e,t,n){return n.xhtmlOut?`<br />
`:`<br>
`};we.softbreak=function(e,t,n){return n.breaks?n.xhtmlOut?`<br />
`:`<br>
`:`
`};we.text=function(e,t){return Be(e[t].content)};we.html_block=function(e,t){return e[t].content};we.html_inline=function(e,t){return e[t].content};var ps=class{constructor(){S(this,"rules",Object.assign({},we))}renderAttrs(e){let t,n,r;if(!e.attrs)return"";for(r="",t=0,n=e.attrs.length;t<n;t++)r+=` ${Be(e.attrs[t][0])}="${Be(String(e.attrs[t][1]))}"`;return r}renderToken(e,t,n){let r=e[t],i="";if(r.hidden)return"";let o=t-1;for(;o>=0&&e[o].hidden&&e[o].nesting===0;)o--;r.block&&r.nesting!==-1&&o>=0&&e[o].hidden&&e[o].nesting===-1&&(i+=`
`),i+=(r.nesting===-1?"</":"<")+r.tag,i+=this.renderAttrs(r),r.nesting===0&&n.xhtmlOut&&(i+=" /");let s=!1;if(r.block&&(s=!0,r.nesting===1)){let a=t+1;for(;a<e.length&&e[a].hidden&&e[a].nesting===0;)a++;if(a<e.length){let c=e[a];(c.type==="inline"||c.hidden||c.nesting===-1&&c.tag===r.tag)&&(s=!1)}}return i+=s?`>
`:">",i}renderInline(e,t,n){let r="",i=this.rules;for(let o=0,s=e.length;o<s;o++){let a=e[o].type;typeof i[a]<"u"?r+=i[a](e,o,t,n,this):r+=this.renderToken(e,o,t)}return r}renderInlineAsText(e,t,n){let r="";for(let i=0,o=e.length;i<o;i++)switch(e[i].type){case"text":case"code_inline":r+=e[i].content;break;case"image":r+=this.renderInlineAsText(e[i].children,t,n);break;case"html_inline":case"html_block":r+=e[i].content;break;case"softbreak":case"hardbreak":r+=`
`}return r}render(e,t,n){let r="",i=this.rules;for(let o=0,s=e.length;o<s;o++){let a=e[o].type;a==="inline"?r+=this.renderInline(e[o].children,t,n):typeof i[a]<"u"?r+=i[a](e,o,t,n,this):r+=this.renderToken(e,o,t)}return r}},ms=class{constructor(e,t,n){S(this,"tokens",[]),S(this,"inlineMode",!1),S(this,"Token",Ge),this.src=e,this.env=n,this.md=t}},qc=/\r\n?/g,Gc=/\0/g;function Zc(e){let t;t=e.src.replace(qc,`
`),t=t.replace(Gc,"�"),e.src=t}function Xc(e){let t;e.inlineMode?(t=new e.Token("inline","",0),t.content=e.src,t.map=[0,1],t.children=[],e.tokens.push(t)):e.md.block.parse(e.src,e.md,e.env,e.tokens)}function Yc(e){let t=e.tokens,n=0;for(let r=0;r<t.length;r++)t[r].type!=="reference_definition"&&(r!==n&&(t[n]=t[r]),n++);t.length!==n&&(t.length=n)}function Kc(e){let t=e.tokens;for(let n=0,r=t.length;n<r;n++){let i=t[n];i.type==="inline"&&e.md.inline.parse(i.content,e.md,e.env,i.children)}}function Qc(e){return/^<a[>\s]/i.test(e)}function eu(e){return/^<\/a\s*>/i.test(e)}function tu(e){let t=e.tokens;if(e.md.options.linkify)for(let n=0,r=t.length;n<r;n++){if(t[n].type!=="inline"||!e.md.linkify.test(t[n].content))continue;let i=t[n].children,o=[],s=0;for(let a=i.length-1;a>=0;a--){let c=i[a];if(c.type==="link_close"){for(a--;i[a].level!==c.level&&i[a].type!=="link_open";)a--;continue}if(c.type==="html_inline"&&(Qc(c.content)&&s>0&&s--,eu(c.content)&&s++),!(s>0)&&c.type==="text"&&e.md.linkify.test(c.content)){let u=c.content,h=e.md.linkify.match(u),d=[],g=c.level,m=0;h.length>0&&h[0].index===0&&a>0&&i[a-1].type==="text_special"&&(h=h.slice(1));for(let p=0;p<h.length;p++){let _=h[p].url,x=e.md.normalizeLink(_);if(!e.md.validateLink(x))continue;let R=h[p].text;h[p].schema?h[p].schema==="mailto:"&&!/^mailto:/i.test(R)?R=e.md.normalizeLinkText(`mailto:${R}`).replace(/^mailto:/,""):R=e.md.normalizeLinkText(R):R=e.md.normalizeLinkText(`http://${R}`).replace(/^http:\/\//,"");let T=h[p].index;if(T>m){let D=new e.Token("text","",0);D.content=u.slice(m,T),D.level=g,d.push(D)}let y=new e.Token("link_open","a",1);y.attrs=[["href",x]],y.level=g++,y.markup="linkify",y.info="auto",d.push(y);let E=new e.Token("text","",0);E.content=R,E.level=g,d.push(E);let C=new e.Token("link_close","a",-1);C.level=--g,C.markup="linkify",C.info="auto",d.push(C),m=h[p].lastIndex}if(m<u.length){let p=new e.Token("text","",0);p.content=u.slice(m),p.level=g,d.push(p)}o.push({index:a,nodes:d})}}if(o.length>0){let a=i.length;for(let d of o)a+=d.nodes.length-1;let c=new Array(a),u=0,h=0;o.reverse();for(let d=0;d<i.length;d++){let g=o[u];if(g?.index===d){for(let m of g.nodes)c[h++]=m;u++}else c[h++]=i[d]}t[n].children=c}}}var gs=/\+-|\.\.|\?\?\?\?|!!!!|,,|--/,nu=/\((c|tm|r)\)/i,ru=/\((c|tm|r)\)/gi,iu={c:"©",r:"®",tm:"™"};function ou(e,t){return iu[t.toLowerCase()]}function su(e){let t=0;for(let n=e.length-1;n>=0;n--){let r=e[n];r.type==="text"&&!t&&(r.content=r.content.replace(ru,ou)),r.type==="link_open"&&r.info==="auto"&&t--,r.type==="link_close"&&r.info==="auto"&&t++}}function au(e){let t=0;for(let n=e.length-1;n>=0;n--){let r=e[n];r.type==="text"&&!t&&gs.test(r.content)&&(r.content=r.content.replace(/\+-/g,"±").replace(/\.{2,}/g,"…").replace(/([?!])…/g,"$1..").replace(/([?!]){4,}/g,"$1$1$1").replace(/,{2,}/g,",").replace(/(^|[^-])---(?=[^-]|$)/gm,"$1—").replace(/(^|\s)--(?=\s|$)/gm,"$1–").replace(/(^|[^-\s])--(?=[^-\s]|$)/gm,"$1–")),r.type==="link_open"&&r.info==="auto"&&t--,r.type==="link_close"&&r.info==="auto"&&t++}}function lu(e){let t;if(e.md.options.typographer)for(t=e.tokens.length-1;t>=0;t--)e.tokens[t].type==="inline"&&(nu.test(e.tokens[t].content)&&su(e.tokens[t].children),gs.test(e.tokens[t].content)&&au(e.tokens[t].children))}var cu=/['"]/,es=/['"]/g,ts="’",uu=1e3;function ns(e,t,n){for(;e.length>n;){let r=e.pop();r.isSingleQuote?t.single=r.prevSameQuoteIdx:t.double=r.prevSameQuoteIdx}}function gn(e,t,n,r){e[t]||(e[t]=[]),e[t].push({pos:n,ch:r})}function du(e,t){let n="",r=0;t.sort((i,o)=>i.pos-o.pos);for(let i=0;i<t.length;i++){let o=t[i];n+=e.slice(r,o.pos)+o.ch,r=o.pos+1}return n+e.slice(r)}function hu(e,t){let n,r=[],i={single:-1,double:-1},o={};for(let s=0;s<e.length;s++){let a=e[s],c=e[s].level;for(n=r.length-1;n>=0&&!(r[n].level<=c);n--);if(ns(r,i,n+1),a.type!=="text")continue;let u=a.content,h=0,d=u.length;e:for(;h<d;){es.lastIndex=h;let g=es.exec(u);if(!g)break;let m=!0,p=!0;h=g.index+1;let _=g[0]==="'",x=32;if(g.index-1>=0)x=u.charCodeAt(g.index-1);else for(n=s-1;n>=0&&!(e[n].type==="softbreak"||e[n].type==="hardbreak");n--)if(e[n].content){x=e[n].content.charCodeAt(e[n].content.length-1);break}let R=32;if(h<d)R=u.charCodeAt(h);else for(n=s+1;n<e.length&&!(e[n].type==="softbreak"||e[n].type==="hardbreak");n++)if(e[n].content){R=e[n].content.charCodeAt(0);break}let T=Tt(x)||Ct(x),y=Tt(R)||Ct(R),E=Rt(x),C=Rt(R);if(C?m=!1:y&&(E||T||(m=!1)),E?p=!1:T&&(C||y||(p=!1)),R===34&&g[0]==='"'&&x>=48&&x<=57&&(p=m=!1),m&&p&&(m=T,p=y),!m&&!p){_&&gn(o,s,g.index,ts);continue}if(p&&(n=_?i.single:i.double,n>=0&&r[n].level===c)){let D=r[n],I,N;_?(I=t.md.options.quotes[2],N=t.md.options.quotes[3]):(I=t.md.options.quotes[0],N=t.md.options.quotes[1]),gn(o,s,g.index,N),gn(o,D.tokenIdx,D.contentPos,I),ns(r,i,n);continue e}if(m){if(r.length>=uu)return;r.push({tokenIdx:s,contentPos:g.index,isSingleQuote:_,level:c,prevSameQuoteIdx:_?i.single:i.double}),_?i.single=r.length-1:i.double=r.length-1}else p&&_&&gn(o,s,g.index,ts)}}Object.keys(o).forEach(function(s){let a=Number(s);e[a].content=du(e[a].content,o[s])})}function fu(e){if(e.md.options.typographer)for(let t=e.tokens.length-1;t>=0;t--)e.tokens[t].type!=="inline"||!cu.test(e.tokens[t].content)||hu(e.tokens[t].children,e)}function pu(e){let t,n,r=e.length;for(t=0;t<r;t++)e[t].type==="text_special"&&(e[t].type="text");for(t=n=0;t<r;t++)e[t].type==="text"&&t+1<r&&e[t+1].type==="text"?e[t+1].content=e[t].content+e[t+1].content:(t!==n&&(e[n]=e[t]),n++);t!==n&&(e.length=n)}function mu(e){let t,n,r=e.tokens,i=r.length;for(let o=0;o<i;o++){if(r[o].type!=="inline")continue;let s=r[o].children,a=s.length;for(t=0;t<a;t++)s[t].type==="text_special"&&(s[t].type="text"),s[t].children&&pu(s[t].children);for(t=n=0;t<a;t++)s[t].type==="text"&&t+1<a&&s[t+1].type==="text"?s[t+1].content=s[t].content+s[t+1].content:(t!==n&&(s[n]=s[t]),n++);t!==n&&(s.length=n)}}var Pr=[["normalize",Zc],["block",Xc],["strip_references",Yc],["inline",Kc],["linkify",tu],["replacements",lu],["smartquotes",fu],["text_join",mu]],bs=class{constructor(){S(this,"ruler",new St),S(this,"State",ms);for(let e=0;e<Pr.length;e++)this.ruler.push(Pr[e][0],Pr[e][1])}process(e){let t=this.ruler.getRules("");for(let n=0,r=t.length;n<r;n++)t[n](e)}},vs=class{constructor(e,t,n,r){S(this,"bMarks",[]),S(this,"eMarks",[]),S(this,"tShift",[]),S(this,"sCount",[]),S(this,"bsCount",[]),S(this,"blkIndent",0),S(this,"line",0),S(this,"lineMax",0),S(this,"tight",!1),S(this,"listIndent",-1),S(this,"parentType","root"),S(this,"level",0),S(this,"Token",Ge),this.src=e,this.md=t,this.env=n,this.tokens=r;let i=this.src;for(let o=0,s=0,a=0,c=0,u=i.length,h=!1;s<u;s++){let d=i.charCodeAt(s);if(!h)if(W(d)){a++,d===9?c+=4-c%4:c++;continue}else h=!0;(d===10||s===u-1)&&(d!==10&&s++,this.bMarks.push(o),this.eMarks.push(s),this.tShift.push(a),this.sCount.push(c),this.bsCount.push(0),h=!1,a=0,c=0,o=s+1)}this.bMarks.push(i.length),this.eMarks.push(i.length),this.tShift.push(0),this.sCount.push(0),this.bsCount.push(0),this.lineMax=this.bMarks.length-1}push(e,t,n){let r=new Ge(e,t,n);return r.block=!0,n<0&&this.level--,r.level=this.level,n>0&&this.level++,this.tokens.push(r),r}isEmpty(e){return this.bMarks[e]+this.tShift[e]>=this.eMarks[e]}skipEmptyLines(e){for(let t=this.lineMax;e<t&&!(this.bMarks[e]+this.tShift[e]<this.eMarks[e]);e++);return e}skipSpaces(e){for(let t=this.src.length;e<t&&W(this.src.charCodeAt(e));e++);return e}skipSpacesBack(e,t){if(e<=t)return e;for(;e>t;)if(!W(this.src.charCodeAt(--e)))return e+1;return e}skipChars(e,t){for(let n=this.src.length;e<n&&this.src.charCodeAt(e)===t;e++);return e}skipCharsBack(e,t,n){if(e<=n)return e;for(;e>n;)if(t!==this.src.charCodeAt(--e))return e+1;return e}getLines(e,t,n,r){if(e>=t)return"";let i=new Array(t-e);for(let o=0,s=e;s<t;s++,o++){let a=0,c=this.bMarks[s],u=c,h;for(s+1<t||r?h=this.eMarks[s]+1:h=this.eMarks[s];u<h&&a<n;){let d=this.src.charCodeAt(u);if(W(d))d===9?a+=4-(a+this.bsCount[s])%4:a++;else if(u-c<this.tShift[s])a++;else break;u++}a>n?i[o]=new Array(a-n+1).join(" ")+this.src.slice(u,h):i[o]=this.src.slice(u,h)}return i.join("")}},gu=65536;function Br(e,t){let n=e.bMarks[t]+e.tShift[t],r=e.eMarks[t];return e.src.slice(n,r)}function rs(e){let t=[],n=e.length,r=0,i=e.charCodeAt(r),o=!1,s=0,a="";for(;r<n;)i===124&&(o?(a+=e.substring(s,r-1),s=r):(t.push(a+e.substring(s,r)),a="",s=r+1)),o=i===92,r++,i=e.charCodeAt(r);return t.push(a+e.substring(s)),t}function bu(e,t,n,r){if(t+2>n)return!1;let i=t+1;if(e.sCount[i]<e.blkIndent||e.sCount[i]-e.blkIndent>=4)return!1;let o=e.bMarks[i]+e.tShift[i];if(o>=e.eMarks[i])return!1;let s=e.src.charCodeAt(o++);if(s!==124&&s!==45&&s!==58||o>=e.eMarks[i])return!1;let a=e.src.charCodeAt(o++);if(a!==124&&a!==45&&a!==58&&!W(a)||s===45&&W(a))return!1;for(;o<e.eMarks[i];){let E=e.src.charCodeAt(o);if(E!==124&&E!==45&&E!==58&&!W(E))return!1;o++}let c=Br(e,t+1),u=c.split("|"),h=[];for(let E=0;E<u.length;E++){let C=u[E].trim();if(!C){if(E===0||E===u.length-1)continue;return!1}if(!/^:?-+:?$/.test(C))return!1;C.charCodeAt(C.length-1)===58?h.push(C.charCodeAt(0)===58?"center":"right"):C.charCodeAt(0)===58?h.push("left"):h.push("")}if(c=Br(e,t).trim(),c.indexOf("|")===-1||e.sCount[t]-e.blkIndent>=4)return!1;u=rs(c),u.length&&u[0]===""&&u.shift(),u.length&&u[u.length-1]===""&&u.pop();let d=u.length;if(d===0||d!==h.length)return!1;if(r)return!0;let g=e.parentType;e.parentType="table";let m=e.md.block.ruler.getRules("blockquote"),p=e.push("table_open","table",1),_=[t,0];p.map=_;let x=e.push("thead_open","thead",1);x.map=[t,t+1];let R=e.push("tr_open","tr",1);R.map=[t,t+1];for(let E=0;E<u.length;E++){let C=e.push("th_open","th",1);h[E]&&(C.attrs=[["style",`text-align:${h[E]}`]]);let D=e.push("inline","",0);D.content=u[E].trim(),D.children=[],e.push("th_close","th",-1)}e.push("tr_close","tr",-1),e.push("thead_close","thead",-1);let T,y=0;for(i=t+2;i<n&&!(e.sCount[i]<e.blkIndent);i++){let E=!1;for(let D=0,I=m.length;D<I;D++)if(m[D](e,i,n,!0)){E=!0;break}if(E||(c=Br(e,i).trim(),!c)||e.sCount[i]-e.blkIndent>=4||(u=rs(c),u.length&&u[0]===""&&u.shift(),u.length&&u[u.length-1]===""&&u.pop(),y+=d-u.length,y>gu))break;if(i===t+2){let D=e.push("tbody_open","tbody",1);D.map=T=[t+2,0]}let C=e.push("tr_open","tr",1);C.map=[i,i+1];for(let D=0;D<d;D++){let I=e.push("td_open","td",1);h[D]&&(I.attrs=[["style",`text-align:${h[D]}`]]);let N=e.push("inline","",0);N.content=u[D]?u[D].trim():"",N.children=[],e.push("td_close","td",-1)}e.push("tr_close","tr",-1)}return T&&(e.push("tbody_close","tbody",-1),T[1]=i),e.push("table_close","table",-1),_[1]=i,e.parentType=g,e.line=i,!0}function vu(e,t,n){if(e.sCount[t]-e.blkIndent<4)return!1;let r=t+1,i=r;for(;r<n;){if(e.isEmpty(r)){r++;continue}if(e.sCount[r]-e.blkIndent>=4){r++,i=r;continue}break}e.line=i;let o=e.push("code_block","code",0);return o.content=e.getLines(t,i,4+e.blkIndent,!1)+`
`,o.map=[t,e.line],!0}function xu(e,t,n,r){let i=e.bMarks[t]+e.tShift[t],o=e.eMarks[t];if(e.sCount[t]-e.blkIndent>=4||i+3>o)return!1;let s=e.src.charCodeAt(i);if(s!==126&&s!==96)return!1;let a=i;i=e.skipChars(i,s);let c=i-a;if(c<3)return!1;let u=e.src.slice(a,i),h=e.src.slice(i,o);if(s===96&&h.indexOf(String.fromCharCode(s))>=0)return!1;if(r)return!0;let d=t,g=!1;for(;d++,!(d>=n||(i=a=e.bMarks[d]+e.tShift[d],o=e.eMarks[d],i<o&&e.sCount[d]<e.blkIndent));)if(e.src.charCodeAt(i)===s&&!(e.sCount[d]-e.blkIndent>=4)&&(i=e.skipChars(i,s),!(i-a<c)&&(i=e.skipSpaces(i),!(i<o)))){g=!0;break}c=e.sCount[t],e.line=d+(g?1:0);let m=e.push("fence","code",0);return m.info=h,m.content=e.getLines(t+1,d,c,!0),m.markup=u,m.map=[t,e.line],!0}function wu(e,t,n,r){let i=e.bMarks[t]+e.tShift[t],o=e.eMarks[t],s=e.lineMax;if(e.sCount[t]-e.blkIndent>=4||e.src.charCodeAt(i)!==62)return!1;if(r)return!0;let a=[],c=[],u=[],h=[],d=e.md.block.ruler.getRules("blockquote"),g=e.parentType;e.parentType="blockquote";let m=!1,p;for(p=t;p<n;p++){let y=e.sCount[p]<e.blkIndent;if(i=e.bMarks[p]+e.tShift[p],o=e.eMarks[p],i>=o)break;if(e.src.charCodeAt(i++)===62&&!y){let C=e.sCount[p]+1,D,I;e.src.charCodeAt(i)===32?(i++,C++,I=!1,D=!0):e.src.charCodeAt(i)===9?(D=!0,(e.bsCount[p]+C)%4===3?(i++,C++,I=!1):I=!0):D=!1;let N=C;for(a.push(e.bMarks[p]),e.bMarks[p]=i;i<o;){let O=e.src.charCodeAt(i);if(W(O))O===9?N+=4-(N+e.bsCount[p]+(I?1:0))%4:N++;else break;i++}m=i>=o,c.push(e.bsCount[p]),e.bsCount[p]=e.sCount[p]+1+(D?1:0),u.push(e.sCount[p]),e.sCount[p]=N-C,h.push(e.tShift[p]),e.tShift[p]=i-e.bMarks[p];continue}if(m)break;let E=!1;for(let C=0,D=d.length;C<D;C++)if(d[C](e,p,n,!0)){E=!0;break}if(E){e.lineMax=p,e.blkIndent!==0&&(a.push(e.bMarks[p]),c.push(e.bsCount[p]),h.push(e.tShift[p]),u.push(e.sCount[p]),e.sCount[p]-=e.blkIndent);break}a.push(e.bMarks[p]),c.push(e.bsCount[p]),h.push(e.tShift[p]),u.push(e.sCount[p]),e.sCount[p]=-1}let _=e.blkIndent;e.blkIndent=0;let x=e.push("blockquote_open","blockquote",1);x.markup=">";let R=[t,0];x.map=R,e.md.block.tokenize(e,t,p);let T=e.push("blockquote_close","blockquote",-1);T.markup=">",e.lineMax=s,e.parentType=g,R[1]=e.line;for(let y=0;y<h.length;y++)e.bMarks[y+t]=a[y],e.tShift[y+t]=h[y],e.sCount[y+t]=u[y],e.bsCount[y+t]=c[y];return e.blkIndent=_,!0}function ku(e,t,n,r){let i=e.eMarks[t];if(e.sCount[t]-e.blkIndent>=4)return!1;let o=e.bMarks[t]+e.tShift[t],s=e.src.charCodeAt(o++);if(s!==42&&s!==45&&s!==95)return!1;let a=1;for(;o<i;){let u=e.src.charCodeAt(o++);if(u!==s&&!W(u))return!1;u===s&&a++}if(a<3)return!1;if(r)return!0;e.line=t+1;let c=e.push("hr","hr",0);return c.map=[t,e.line],c.markup=Array(a+1).join(String.fromCharCode(s)),!0}function is(e,t){let n=e.eMarks[t],r=e.bMarks[t]+e.tShift[t],i=e.src.charCodeAt(r++);return i!==42&&i!==45&&i!==43||r<n&&!W(e.src.charCodeAt(r))?-1:r}function os(e,t){let n=e.bMarks[t]+e.tShift[t],r=e.eMarks[t],i=n;if(i+1>=r)return-1;let o=e.src.charCodeAt(i++);if(o<48||o>57)return-1;for(;;){if(i>=r)return-1;if(o=e.src.charCodeAt(i++),o>=48&&o<=57){if(i-n>=10)return-1;continue}if(o===41||o===46)break;return-1}return i<r&&(o=e.src.charCodeAt(i),!W(o))?-1:i}function _u(e,t){let n=e.level+2;for(let r=t+2,i=e.tokens.length-2;r<i;r++)e.tokens[r].level===n&&e.tokens[r].type==="paragraph_open"&&(e.tokens[r+2].hidden=!0,e.tokens[r].hidden=!0,r+=2)}function yu(e,t,n,r){let i,o,s,a,c=t,u=!0;if(e.sCount[c]-e.blkIndent>=4||e.listIndent>=0&&e.sCount[c]-e.listIndent>=4&&e.sCount[c]<e.blkIndent)return!1;let h=!1;r&&e.parentType==="paragraph"&&e.sCount[c]>=e.blkIndent&&(h=!0);let d,g,m;if((m=os(e,c))>=0){if(d=!0,s=e.bMarks[c]+e.tShift[c],g=Number(e.src.slice(s,m-1)),h&&g!==1)return!1}else if((m=is(e,c))>=0)d=!1;else return!1;if(h&&e.skipSpaces(m)>=e.eMarks[c])return!1;if(r)return!0;let p=e.src.charCodeAt(m-1),_=e.tokens.length;d?(a=e.push("ordered_list_open","ol",1),g!==1&&(a.attrs=[["start",g]])):a=e.push("bullet_list_open","ul",1);let x=[c,0];a.map=x,a.markup=String.fromCharCode(p);let R=!1,T=e.md.block.ruler.getRules("list"),y=e.parentType;for(e.parentType="list";c<n;){o=m,i=e.eMarks[c];let E=e.sCount[c]+m-(e.bMarks[c]+e.tShift[c]),C=E;for(;o<i;){let $=e.src.charCodeAt(o);if($===9)C+=4-(C+e.bsCount[c])%4;else if($===32)C++;else break;o++}let D=o,I;D>=i?I=1:I=C-E,I>4&&(I=1);let N=E+I;a=e.push("list_item_open","li",1),a.markup=String.fromCharCode(p);let O=[c,0];a.map=O,d&&(a.info=e.src.slice(s,m-1));let z=e.tight,M=e.tShift[c],A=e.sCount[c],F=e.listIndent;if(e.listIndent=e.blkIndent,e.blkIndent=N,e.tight=!0,e.tShift[c]=D-e.bMarks[c],e.sCount[c]=C,D>=i&&e.isEmpty(c+1)?e.line=Math.min(e.line+2,n):e.md.block.tokenize(e,c,n),(!e.tight||R)&&(u=!1),R=e.line-c>1&&e.isEmpty(e.line-1),e.blkIndent=e.listIndent,e.listIndent=F,e.tShift[c]=M,e.sCount[c]=A,e.tight=z,a=e.push("list_item_close","li",-1),a.markup=String.fromCharCode(p),c=e.line,O[1]=c,c>=n||e.sCount[c]<e.blkIndent||e.sCount[c]-e.blkIndent>=4)break;let B=!1;for(let $=0,J=T.length;$<J;$++)if(T[$](e,c,n,!0)){B=!0;break}if(B)break;if(d){if(m=os(e,c),m<0)break;s=e.bMarks[c]+e.tShift[c]}else if(m=is(e,c),m<0)break;if(p!==e.src.charCodeAt(m-1))break}return d?a=e.push("ordered_list_close","ol",-1):a=e.push("bullet_list_close","ul",-1),a.markup=String.fromCharCode(p),x[1]=c,e.line=c,e.parentType=y,u&&_u(e,_),!0}var $r=999;function Au(e){let t=e.length;for(let n=0;n<e.length-1;n++){let r=e.charCodeAt(n);if(r<55296||r>56319)continue;let i=e.charCodeAt(n+1);i>=56320&&i<=57343&&(t--,n++)}return t}function At(e,t){return Math.min(e.eMarks[t]+1,e.src.length)}function bn(e,t){let n=e.lineMax;if(t>=n||e.isEmpty(t))return-1;let r=!1;if(e.sCount[t]-e.blkIndent>3&&(r=!0),e.sCount[t]<0&&(r=!0),!r){let i=e.md.block.ruler.getRules("reference"),o=e.parentType;e.parentType="reference";let s=!1;for(let a=0,c=i.length;a<c;a++)if(i[a](e,t,n,!0)){s=!0;break}if(e.parentType=o,s)return-1}return e.bMarks[t]+e.tShift[t]}function Eu(e,t,n,r){let i=e.src,o=e.bMarks[t]+e.tShift[t],s=t+1;if(e.sCount[t]-e.blkIndent>=4||i.charCodeAt(o)!==91)return!1;let a=At(e,t),c="",u=-1,h=++o;for(;o<a;){if(c.length+o-h>$r*2)return!1;let D=i.charCodeAt(o);if(D===91)return!1;if(D===93){u=o;break}if(D===92&&(D=i.charCodeAt(++o)),D===10&&o<a){let I=bn(e,s);if(I<0)return!1;c+=i.slice(h,a),o=h=I,a=At(e,s++);continue}o++}if(u<0||i.charCodeAt(u+1)!==58||(c+=i.slice(h,u),c.length>$r&&Au(c)>$r))return!1;for(o=u+2;o<a;){let D=i.charCodeAt(o);if(D===10){let I=bn(e,s);if(I<0)break;o=I,a=At(e,s++)}else if(W(D))o++;else break}let d=e.md.helpers.parseLinkDestination(i,o,a);if(!d.ok)return!1;let g=e.md.normalizeLink(d.str);if(!e.md.validateLink(g))return!1;o=d.pos;let m=o,p=a,_=s;for(;o<a;){let D=i.charCodeAt(o);if(D===10){let I=bn(e,s);if(I<0)break;o=I,a=At(e,s++)}else if(W(D))o++;else break}let x=o,R=e.md.helpers.parseLinkTitle(i,o,a);for(;R.can_continue;){let D=bn(e,s);if(D<0)break;o=D,a=At(e,s++),R=e.md.helpers.parseLinkTitle(i,o,a,R)}let T;for(x!==m&&R.ok?(T=R.str,o=R.pos):(T="",o=m,a=p,s=_);o<a&&W(i.charCodeAt(o));)o++;if(o<a&&i.charCodeAt(o)!==10&&T)for(T="",o=m,a=p,s=_;o<a&&W(i.charCodeAt(o));)o++;if(o<a&&i.charCodeAt(o)!==10)return!1;let y=xn(c);if(!y)return!1;if(r)return!0;typeof e.env.references>"u"&&(e.env.references={}),typeof e.env.references[y]>"u"&&(e.env.references[y]={title:T,href:g});let E=e.push("reference_definition","",0);E.map=[t,s],E.hidden=!0;let C=Object.create(null);return C.label=y,E.meta=C,e.line=s,!0}var Ru=["address","article","aside","base","basefont","blockquote","body","caption","center","col","colgroup","dd","details","dialog","dir","div","dl","dt","fieldset","figcaption","figure","footer","form","frame","frameset","h1","h2","h3","h4","h5","h6","head","header","hr","html","iframe","legend","li","link","main","menu","menuitem","nav","noframes","ol","optgroup","option","p","param","search","section","summary","table","tbody","td","tfoot","th","thead","title","tr","track","ul"],xs=`<[A-Za-z][A-Za-z0-9\\-]*(?:\\s+[a-zA-Z_:][a-zA-Z0-9:._-]*(?:\\s*=\\s*(?:[^"'=<>\`\\x00-\\x20]+|'[^']*'|"[^"]*"))?)*\\s*\\/?>`,ws="<\\/[A-Za-z][A-Za-z0-9\\-]*\\s*>";new RegExp(`^(?:${xs}|${ws}|<!---?>|<!--(?:[^-]|-[^-]|--[^>])*-->|<[?][\\s\\S]*?[?]>|<![A-Za-z][^>]*>|<!\\[CDATA\\[[\\s\\S]*?\\]\\]>)`);var ks=new RegExp(`^(?:${xs}|${ws})`),qe=[[/^<(script|pre|style|textarea)(?=(\s|>|$))/i,/<\/(script|pre|style|textarea)>/i,!0],[/^<!--/,/-->/,!0],[/^<\?/,/\?>/,!0],[/^<![A-Za-z]/,/>/,!0],[/^<!\[CDATA\[/,/\]\]>/,!0],[new RegExp(`^</?(${Ru.join("|")})(?=(\\s|/?>|$))`,"i"),/^$/,!0],[new RegExp(`${ks.source}\\s*$`),/^$/,!1]];function Cu(e,t,n,r){let i=e.bMarks[t]+e.tShift[t],o=e.eMarks[t];if(e.sCount[t]-e.blkIndent>=4||!e.md.options.html||e.src.charCodeAt(i)!==60)return!1;let s=e.src.slice(i,o),a=0;for(;a<qe.length&&!qe[a][0].test(s);a++);if(a===qe.length)return!1;if(r)return qe[a][2];let c=t+1,u=qe[a][1].test("");if(!qe[a][1].test(s)){for(;c<n&&!(e.sCount[c]<e.blkIndent&&(u||!e.isEmpty(c)));c++)if(i=e.bMarks[c]+e.tShift[c],o=e.eMarks[c],s=e.src.slice(i,o),qe[a][1].test(s)){s.length!==0&&c++;break}}e.line=c;let h=e.push("html_block","",0);return h.map=[t,c],h.content=e.getLines(t,c,e.blkIndent,!0),!0}function Tu(e,t,n,r){let i=e.bMarks[t]+e.tShift[t],o=e.eMarks[t];if(e.sCount[t]-e.blkIndent>=4)return!1;let s=e.src.charCodeAt(i);if(s!==35||i>=o)return!1;let a=1;for(s=e.src.charCodeAt(++i);s===35&&i<o&&a<=6;)a++,s=e.src.charCodeAt(++i);if(a>6||i<o&&!W(s))return!1;if(r)return!0;o=e.skipSpacesBack(o,i);let c=e.skipCharsBack(o,35,i);c>i&&W(e.src.charCodeAt(c-1))&&(o=c),e.line=t+1;let u=e.push("heading_open",`h${a}`,1);u.markup="########".slice(0,a),u.map=[t,e.line];let h=e.push("inline","",0);h.content=wn(e.src.slice(i,o)),h.map=[t,e.line],h.children=[];let d=e.push("heading_close",`h${a}`,-1);return d.markup="########".slice(0,a),!0}function Du(e,t,n){let r=e.md.block.ruler.getRules("paragraph");if(e.sCount[t]-e.blkIndent>=4)return!1;let i=e.parentType;e.parentType="paragraph";let o=0,s,a=t+1;for(;a<n&&!e.isEmpty(a);a++){if(e.sCount[a]-e.blkIndent>3)continue;if(e.sCount[a]>=e.blkIndent){let m=e.bMarks[a]+e.tShift[a],p=e.eMarks[a];if(m<p&&(s=e.src.charCodeAt(m),(s===45||s===61)&&(m=e.skipChars(m,s),m=e.skipSpaces(m),m>=p))){o=s===61?1:2;break}}if(e.sCount[a]<0)continue;let g=!1;for(let m=0,p=r.length;m<p;m++)if(r[m](e,a,n,!0)){g=!0;break}if(g)break}if(!o)return e.parentType=i,!1;let c=wn(e.getLines(t,a,e.blkIndent,!1));e.line=a+1;let u=e.push("heading_open",`h${o}`,1);u.markup=String.fromCharCode(s),u.map=[t,e.line];let h=e.push("inline","",0);h.content=c,h.map=[t,e.line-1],h.children=[];let d=e.push("heading_close",`h${o}`,-1);return d.markup=String.fromCharCode(s),e.parentType=i,!0}function Su(e,t,n){let r=e.md.block.ruler.getRules("paragraph"),i=e.parentType,o=t+1;for(e.parentType="paragraph";o<n&&!e.isEmpty(o);o++){if(e.sCount[o]-e.blkIndent>3||e.sCount[o]<0)continue;let u=!1;for(let h=0,d=r.length;h<d;h++)if(r[h](e,o,n,!0)){u=!0;break}if(u)break}let s=wn(e.getLines(t,o,e.blkIndent,!1));e.line=o;let a=e.push("paragraph_open","p",1);a.map=[t,e.line];let c=e.push("inline","",0);return c.content=s,c.map=[t,e.line],c.children=[],e.push("paragraph_close","p",-1),e.parentType=i,!0}var vn=[["table",bu,["paragraph","reference"]],["code",vu],["fence",xu,["paragraph","reference","blockquote","list"]],["blockquote",wu,["paragraph","reference","blockquote","list"]],["hr",ku,["paragraph","reference","blockquote","list"]],["list",yu,["paragraph","reference","blockquote"]],["reference",Eu],["html_block",Cu,["paragraph","reference","blockquote"]],["heading",Tu,["paragraph","reference","blockquote"]],["lheading",Du],["paragraph",Su]],_s=class{constructor(){S(this,"ruler",new St),S(this,"State",vs);for(let e=0;e<vn.length;e++)this.ruler.push(vn[e][0],vn[e][1],{alt:(vn[e][2]||[]).slice()})}tokenize(e,t,n){let r=this.ruler.getRules(""),i=r.length,o=e.md.options.maxNesting,s=t,a=!1;for(;s<n&&(e.line=s=e.skipEmptyLines(s),!(s>=n||e.sCount[s]<e.blkIndent));){if(e.level>=o){e.line=n;break}let c=e.line,u=!1;for(let h=0;h<i;h++)if(u=r[h](e,s,n,!1),u){if(c>=e.line)throw new Error("block rule didn't increment state.line");break}if(!u)throw new Error("none of the block rules matched");e.tight=!a,e.isEmpty(e.line-1)&&(a=!0),s=e.line,s<n&&e.isEmpty(s)&&(a=!0,s++,e.line=s)}}parse(e,t,n,r){if(!e)return;let i=new this.State(e,t,n,r);this.tokenize(i,i.line,i.lineMax)}},ys=class{constructor(e,t,n,r){S(this,"pos",0),S(this,"level",0),S(this,"pending",""),S(this,"pendingLevel",0),S(this,"cache",{}),S(this,"backticks",{}),S(this,"backticksScanned",!1),S(this,"skipHtmlSpecial",!1),S(this,"linkLevel",0),S(this,"delimiters",[]),S(this,"_prev_delimiters",[]),S(this,"Token",Ge),this.src=e,this.env=n,this.md=t,this.tokens=r,this.tokens_meta=Array(r.length),this.posMax=this.src.length}pushPending(){let e=new Ge("text","",0);return e.content=this.pending,e.level=this.pendingLevel,this.tokens.push(e),this.pending="",e}push(e,t,n){this.pending&&this.pushPending();let r=new Ge(e,t,n),i;return n<0&&(this.level--,this.delimiters=this._prev_delimiters.pop()),r.level=this.level,n>0&&(this.level++,this._prev_delimiters.push(this.delimiters),this.delimiters=[],i={delimiters:this.delimiters}),this.pendingLevel=this.level,this.tokens.push(r),this.tokens_meta.push(i),r}scanDelims(e,t){let n=this.posMax,r=this.src.charCodeAt(e),i;if(e===0)i=32;else if(e===1)i=this.src.charCodeAt(0),(i&63488)===55296&&(i=65533);else if(i=this.src.charCodeAt(e-1),(i&64512)===56320){let p=this.src.charCodeAt(e-2);i=(p&64512)===55296?65536+(p-55296<<10)+(i-56320):65533}else(i&64512)===55296&&(i=65533);let o=e;for(;o<n&&this.src.charCodeAt(o)===r;)o++;let s=o-e,a=o<n?this.src.charCodeAt(o):32;if((a&64512)===55296){let p=this.src.charCodeAt(o+1);a=(p&64512)===56320?65536+(a-55296<<10)+(p-56320):65533}else(a&64512)===56320&&(a=65533);let c=Tt(i)||Ct(i),u=Tt(a)||Ct(a),h=Rt(i),d=Rt(a),g=!d&&(!u||h||c),m=!h&&(!c||d||u);return{can_open:g&&(t||!m||c),can_close:m&&(t||!g||u),length:s}}};function Fu(e){switch(e){case 10:case 33:case 35:case 36:case 37:case 38:case 42:case 43:case 45:case 58:case 60:case 61:case 62:case 64:case 91:case 92:case 93:case 94:case 95:case 96:case 123:case 125:case 126:return!0;default:return!1}}function Mu(e,t){let n=e.pos;for(;n<e.posMax&&!Fu(e.src.charCodeAt(n));)n++;return n===e.pos?!1:(t||(e.pending+=e.src.slice(e.pos,n)),e.pos=n,!0)}function Lu(e){return e>=65&&e<=90||e>=97&&e<=122}function Iu(e){return e>=65&&e<=90||e>=97&&e<=122||e>=48&&e<=57||e===43||e===45||e===46}function zu(e,t){if(!e.md.options.linkify||e.linkLevel>0)return!1;let n=e.pos,r=e.posMax;if(n+3>r||e.src.charCodeAt(n)!==58||e.src.charCodeAt(n+1)!==47||e.src.charCodeAt(n+2)!==47)return!1;let i=n-Math.min(10,e.pending.length,n),o=n;for(;o>i&&Iu(e.src.charCodeAt(o-1));)o--;if(o===n||!Lu(e.src.charCodeAt(o)))return!1;let s=n-o,a=e.md.linkify.matchAtStart(e.src.slice(o));if(!a)return!1;let c=a.url;if(c.length<=s)return!1;let u=c.length;for(;u>0&&c.charCodeAt(u-1)===42;)u--;u!==c.length&&(c=c.slice(0,u));let h=e.md.normalizeLink(c);if(!e.md.validateLink(h))return!1;if(!t){e.pending=e.pending.slice(0,-s);let d=e.push("link_open","a",1);d.attrs=[["href",h]],d.markup="linkify",d.info="auto";let g=e.push("text","",0);g.content=e.md.normalizeLinkText(c);let m=e.push("link_close","a",-1);m.markup="linkify",m.info="auto"}return e.pos+=c.length-s,!0}function Nu(e,t){let n=e.pos;if(e.src.charCodeAt(n)!==10)return!1;let r=e.pending.length-1,i=e.posMax;if(!t)if(r>=0&&e.pending.charCodeAt(r)===32)if(r>=1&&e.pending.charCodeAt(r-1)===32){let o=r-1;for(;o>=1&&e.pending.charCodeAt(o-1)===32;)o--;e.pending=e.pending.slice(0,o),e.push("hardbreak","br",0)}else e.pending=e.pending.slice(0,-1),e.push("softbreak","br",0);else e.push("softbreak","br",0);for(n++;n<i&&W(e.src.charCodeAt(n));)n++;return e.pos=n,!0}var Vr=[];for(let e=0;e<256;e++)Vr.push(0);"\\!\"#$%&'()*+,./:;<=>?@[]^_`{|}~-".split("").forEach(function(e){Vr[e.charCodeAt(0)]=1});function Ou(e,t){let n=e.pos,r=e.posMax;if(e.src.charCodeAt(n)!==92||(n++,n>=r))return!1;let i=e.src.charCodeAt(n);if(i===10){for(t||e.push("hardbreak","br",0),n++;n<r&&(i=e.src.charCodeAt(n),!!W(i));)n++;return e.pos=n,!0}if(i===32){if(!t){let a=e.push("text_special","",0);a.content="\\",a.markup="\\",a.info="escape"}return e.pos=n,!0}let o=e.src[n];if(i>=55296&&i<=56319&&n+1<r){let a=e.src.charCodeAt(n+1);a>=56320&&a<=57343&&(o+=e.src[n+1],n++)}let s="\\"+o;if(!t){let a=e.push("text_special","",0);i<256&&Vr[i]!==0?a.content=o:a.content=s,a.markup=s,a.info="escape"}return e.pos=n+1,!0}function Pu(e){let t={},n=0;for(;(n=e.indexOf("`",n))!==-1;){let r=n;for(;e.charCodeAt(++n)===96;);t[n-r]=r}return t}function Bu(e,t){var n;let r=e.pos;if(e.src.charCodeAt(r)!==96)return!1;let i=e.posMax,o=r+1;for(;o<i&&e.src.charCodeAt(o)===96;)o++;let s=e.src.slice(r,o),a=s.length;if(e.backticksScanned||(e.backticks=Pu(e.src),e.backticksScanned=!0),((n=e.backticks[a])!==null&&n!==void 0?n:-1)>=o){let c=o,u;for(;(u=e.src.indexOf("`",c))!==-1&&u<i;){for(c=u+1;e.src.charCodeAt(c)===96;)c++;if(c>i)break;if(c-u===a){if(!t){let h=e.push("code_inline","code",0);h.markup=s;let d=e.src.slice(o,u).replace(/\n/g," ");d.startsWith(" ")&&d.endsWith(" ")&&/[^ ]/.test(d)&&(d=d.slice(1,-1)),h.content=d}return e.pos=c,!0}}}return t||(e.pending+=s),e.pos=o,!0}function $u(e,t){let n=e.pos,r=e.src.charCodeAt(n);if(t||r!==126)return!1;let i=e.scanDelims(e.pos,!0),o=i.length,s=String.fromCharCode(r);if(o<2)return!1;let a;o%2&&(a=e.push("text","",0),a.content=s,o--);for(let c=0;c<o;c+=2)a=e.push("text","",0),a.content=s+s,e.delimiters.push({marker:r,length:0,token:e.tokens.length-1,end:-1,open:i.can_open,close:i.can_close});return e.pos+=i.length,!0}function ss(e,t){let n,r=[],i=t.length;for(let o=0;o<i;o++){let s=t[o];if(s.marker!==126||s.end===-1)continue;let a=t[s.end];n=e.tokens[s.token],n.type="s_open",n.tag="s",n.nesting=1,n.markup="~~",n.content="",n=e.tokens[a.token],n.type="s_close",n.tag="s",n.nesting=-1,n.markup="~~",n.content="",e.tokens[a.token-1].type==="text"&&e.tokens[a.token-1].content==="~"&&r.push(a.token-1)}for(;r.length;){let o=r.pop(),s=o+1;for(;s<e.tokens.length&&e.tokens[s].type==="s_close";)s++;s--,o!==s&&(n=e.tokens[s],e.tokens[s]=e.tokens[o],e.tokens[o]=n)}}function ju(e){let t=e.tokens_meta,n=e.tokens_meta.length;ss(e,e.delimiters);for(let i=0;i<n;i++){var r;let o=(r=t[i])===null||r===void 0?void 0:r.delimiters;o&&ss(e,o)}}var As={tokenize:$u,postProcess:ju};function Hu(e,t){let n=e.pos,r=e.src.charCodeAt(n);if(t||r!==95&&r!==42)return!1;let i=e.scanDelims(e.pos,r===42);for(let o=0;o<i.length;o++){let s=e.push("text","",0);s.content=String.fromCharCode(r),e.delimiters.push({marker:r,length:i.length,token:e.tokens.length-1,end:-1,open:i.can_open,close:i.can_close})}return e.pos+=i.length,!0}function as(e,t){let n=t.length;for(let r=n-1;r>=0;r--){let i=t[r];if(i.marker!==95&&i.marker!==42||i.end===-1)continue;let o=t[i.end],s=r>0&&t[r-1].end===i.end+1&&t[r-1].marker===i.marker&&t[r-1].token===i.token-1&&t[i.end+1].token===o.token+1,a=String.fromCharCode(i.marker),c=e.tokens[i.token];c.type=s?"strong_open":"em_open",c.tag=s?"strong":"em",c.nesting=1,c.markup=s?a+a:a,c.content="";let u=e.tokens[o.token];u.type=s?"strong_close":"em_close",u.tag=s?"strong":"em",u.nesting=-1,u.markup=s?a+a:a,u.content="",s&&(e.tokens[t[r-1].token].content="",e.tokens[t[i.end+1].token].content="",r--)}}function Uu(e){let t=e.tokens_meta,n=e.tokens_meta.length;as(e,e.delimiters);for(let i=0;i<n;i++){var r;let o=(r=t[i])===null||r===void 0?void 0:r.delimiters;o&&as(e,o)}}var Es={tokenize:Hu,postProcess:Uu};function Vu(e,t){let n,r,i,o,s="",a="",c=e.pos,u=!0;if(e.src.charCodeAt(e.pos)!==91)return!1;let h=e.pos,d=e.posMax,g=e.pos+1,m=e.md.helpers.parseLinkLabel(e,e.pos,!0);if(m<0)return!1;let p=m+1;if(p<d&&e.src.charCodeAt(p)===40){for(u=!1,p++;p<d&&(n=e.src.charCodeAt(p),!(!W(n)&&n!==10));p++);if(p>=d)return!1;if(c=p,i=e.md.helpers.parseLinkDestination(e.src,p,e.posMax),i.ok){for(s=e.md.normalizeLink(i.str),e.md.validateLink(s)?p=i.pos:s="",c=p;p<d&&(n=e.src.charCodeAt(p),!(!W(n)&&n!==10));p++);if(i=e.md.helpers.parseLinkTitle(e.src,p,e.posMax),p<d&&c!==p&&i.ok)for(a=i.str,p=i.pos;p<d&&(n=e.src.charCodeAt(p),!(!W(n)&&n!==10));p++);}(p>=d||e.src.charCodeAt(p)!==41)&&(u=!0),p++}if(u){if(typeof e.env.references>"u")return!1;if(p<d&&e.src.charCodeAt(p)===91?(c=p+1,p=e.md.helpers.parseLinkLabel(e,p),p>=0?r=e.src.slice(c,p++):p=m+1):p=m+1,r||(r=e.src.slice(g,m)),r=xn(r),o=e.env.references[r],!o)return e.pos=h,!1;s=o.href,a=o.title}if(!t){e.pos=g,e.posMax=m;let _=e.push("link_open","a",1),x=[["href",s]];if(_.attrs=x,a&&x.push(["title",a]),r){let R=Object.create(null);R.label=r,_.meta=R}e.linkLevel++,e.md.inline.tokenize(e),e.linkLevel--,e.push("link_close","a",-1)}return e.pos=p,e.posMax=d,!0}function Wu(e,t){let n,r,i,o,s,a,c,u,h="",d=e.pos,g=e.posMax;if(e.src.charCodeAt(e.pos)!==33||e.src.charCodeAt(e.pos+1)!==91)return!1;let m=e.pos+2,p=e.md.helpers.parseLinkLabel(e,e.pos+1,!1);if(p<0)return!1;if(o=p+1,o<g&&e.src.charCodeAt(o)===40){for(o++;o<g&&(n=e.src.charCodeAt(o),!(!W(n)&&n!==10));o++);if(o>=g)return!1;for(u=o,a=e.md.helpers.parseLinkDestination(e.src,o,e.posMax),a.ok&&(h=e.md.normalizeLink(a.str),e.md.validateLink(h)?o=a.pos:h=""),u=o;o<g&&(n=e.src.charCodeAt(o),!(!W(n)&&n!==10));o++);if(a=e.md.helpers.parseLinkTitle(e.src,o,e.posMax),o<g&&u!==o&&a.ok)for(c=a.str,o=a.pos;o<g&&(n=e.src.charCodeAt(o),!(!W(n)&&n!==10));o++);else c="";if(o>=g||e.src.charCodeAt(o)!==41)return e.pos=d,!1;o++}else{if(typeof e.env.references>"u")return!1;if(o<g&&e.src.charCodeAt(o)===91?(u=o+1,o=e.md.helpers.parseLinkLabel(e,o),o>=0?i=e.src.slice(u,o++):o=p+1):o=p+1,i||(i=e.src.slice(m,p)),i=xn(i),s=e.env.references[i],!s)return e.pos=d,!1;h=s.href,c=s.title}if(!t){r=e.src.slice(m,p);let _=[];e.md.inline.parse(r,e.md,e.env,_);let x=e.push("image","img",0),R=[["src",h],["alt",""]];if(x.attrs=R,x.children=_,x.content=r,c&&R.push(["title",c]),i){let T=Object.create(null);T.label=i,x.meta=T}}return e.pos=o,e.posMax=g,!0}var Ju=/^([a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)$/,qu=/^([a-zA-Z][a-zA-Z0-9+.-]{1,31}):([^<>\x00-\x20]*)$/;function Gu(e,t){let n=e.pos;if(e.src.charCodeAt(n)!==60)return!1;let r=e.pos,i=e.posMax;for(;;){if(++n>=i)return!1;let s=e.src.charCodeAt(n);if(s===60)return!1;if(s===62)break}let o=e.src.slice(r+1,n);if(qu.test(o)){let s=e.md.normalizeLink(o);if(!e.md.validateLink(s))return!1;if(!t){let a=e.push("link_open","a",1);a.attrs=[["href",s]],a.markup="autolink",a.info="auto";let c=e.push("text","",0);c.content=e.md.normalizeLinkText(o);let u=e.push("link_close","a",-1);u.markup="autolink",u.info="auto"}return e.pos+=o.length+2,!0}if(Ju.test(o)){let s=e.md.normalizeLink(`mailto:${o}`);if(!e.md.validateLink(s))return!1;if(!t){let a=e.push("link_open","a",1);a.attrs=[["href",s]],a.markup="autolink",a.info="auto";let c=e.push("text","",0);c.content=e.md.normalizeLinkText(o);let u=e.push("link_close","a",-1);u.markup="autolink",u.info="auto"}return e.pos+=o.length+2,!0}return!1}function Zu(e){return/^<a[>\s]/i.test(e)}function Xu(e){return/^<\/a\s*>/i.test(e)}function Rs(e){let t=e|32;return t>=97&&t<=122}function Yu(e,t){let n=e.src,r,i;if(n.startsWith("<!--",t)){if(n.startsWith(">",t+4))return t+5;if(n.startsWith("->",t+4))return t+6;r=t+4,i="-->"}else if(n.startsWith("<![CDATA[",t))r=t+9,i="]]>";else if(n.charCodeAt(t+1)===63)r=t+2,i="?>";else if(Rs(n.charCodeAt(t+2)))r=t+3,i=">";else return-1;if(e.skipHtmlSpecial)return-1;let o=n.indexOf(i,r);return o<0?(e.skipHtmlSpecial=!0,-1):o+i.length}function Ku(e,t){if(!e.md.options.html)return!1;let n=e.posMax,r=e.pos;if(e.src.charCodeAt(r)!==60||r+2>=n)return!1;let i,o=e.src.charCodeAt(r+1);if(o===33||o===63)i=Yu(e,r);else if(o===47||Rs(o)){let s=e.src.slice(r).match(ks);i=s?r+s[0].length:-1}else return!1;if(i<0)return!1;if(!t){let s=e.push("html_inline","",0);s.content=e.src.slice(r,i),Zu(s.content)&&e.linkLevel++,Xu(s.content)&&e.linkLevel--}return e.pos=i,!0}var Qu=/^&#((?:x[a-f0-9]{1,6}|[0-9]{1,7}));/i,ed=/^&([a-z][a-z0-9]{1,31});/i;function td(e,t){let n=e.pos,r=e.posMax;if(e.src.charCodeAt(n)!==38||n+1>=r)return!1;if(e.src.charCodeAt(n+1)===35){let i=e.src.slice(n).match(Qu);if(i){if(!t){let o=i[1][0].toLowerCase()==="x"?parseInt(i[1].slice(1),16):parseInt(i[1],10),s=e.push("text_special","",0);s.content=Ur(o)?Et(o):Et(65533),s.markup=i[0],s.info="entity"}return e.pos+=i[0].length,!0}}else{let i=e.src.slice(n).match(ed);if(i){let o=mn(i[0]);if(o!==i[0]){if(!t){let s=e.push("text_special","",0);s.content=o,s.markup=i[0],s.info="entity"}return e.pos+=i[0].length,!0}}}return!1}function ls(e){let t={},n=e.length;if(!n)return;let r=0,i=-2,o=[];for(let s=0;s<n;s++){let a=e[s];if(o.push(0),(e[r].marker!==a.marker||i!==a.token-1)&&(r=s),i=a.token,a.length=a.length||0,!a.close)continue;t.hasOwnProperty(a.marker)||(t[a.marker]=[-1,-1,-1,-1,-1,-1]);let c=t[a.marker][(a.open?3:0)+a.length%3],u=r-o[r]-1,h=u;for(;u>c;u-=o[u]+1){let d=e[u];if(d.marker===a.marker&&d.open&&d.end<0){let g=!1;if((d.close||a.open)&&(d.length+a.length)%3===0&&(d.length%3!==0||a.length%3!==0)&&(g=!0),!g){let m=u>0&&!e[u-1].open?o[u-1]+1:0;o[s]=s-u+m,o[u]=m,a.open=!1,d.end=s,d.close=!1,h=-1,i=-2;break}}}h!==-1&&(t[a.marker][(a.open?3:0)+(a.length||0)%3]=h)}}function nd(e){let t=e.tokens_meta,n=e.tokens_meta.length;ls(e.delimiters);for(let i=0;i<n;i++){var r;let o=(r=t[i])===null||r===void 0?void 0:r.delimiters;o&&ls(o)}}function rd(e){let t,n,r=0,i=e.tokens,o=e.tokens.length;for(t=n=0;t<o;t++)i[t].nesting<0&&r--,i[t].level=r,i[t].nesting>0&&r++,i[t].type==="text"&&t+1<o&&i[t+1].type==="text"?i[t+1].content=i[t].content+i[t+1].content:(t!==n&&(i[n]=i[t]),n++);t!==n&&(i.length=n)}var jr=[["text",Mu],["linkify",zu],["newline",Nu],["escape",Ou],["backticks",Bu],["strikethrough",As.tokenize],["emphasis",Es.tokenize],["link",Vu],["image",Wu],["autolink",Gu],["html_inline",Ku],["entity",td]],Hr=[["balance_pairs",nd],["strikethrough",As.postProcess],["emphasis",Es.postProcess],["fragments_join",rd]],Cs=class{constructor(){S(this,"ruler",new St),S(this,"ruler2",new St),S(this,"State",ys);for(let e=0;e<jr.length;e++)this.ruler.push(jr[e][0],jr[e][1]);for(let e=0;e<Hr.length;e++)this.ruler2.push(Hr[e][0],Hr[e][1])}skipToken(e){let t=e.pos,n=this.ruler.getRules(""),r=n.length,i=e.md.options.maxNesting,o=e.cache;if(typeof o[t]<"u"){e.pos=o[t];return}let s=!1;if(e.level<i){for(let a=0;a<r;a++)if(e.level++,s=n[a](e,!0),e.level--,s){if(t>=e.pos)throw new Error("inline rule didn't increment state.pos");break}}else e.pos=e.posMax;s||e.pos++,o[t]=e.pos}tokenize(e){let t=this.ruler.getRules(""),n=t.length,r=e.posMax,i=e.md.options.maxNesting;for(;e.pos<r;){let o=e.pos,s=!1;if(e.level<i){for(let a=0;a<n;a++)if(s=t[a](e,!1),s){if(o>=e.pos)throw new Error("inline rule didn't increment state.pos");break}}if(s){if(e.pos>=r)break;continue}e.pending+=e.src[e.pos++]}e.pending&&e.pushPending()}parse(e,t,n,r){let i=new this.State(e,t,n,r);this.tokenize(i);let o=this.ruler2.getRules(""),s=o.length;for(let a=0;a<s;a++)o[a](i)}},id={default:{options:{html:!1,xhtmlOut:!1,breaks:!1,langPrefix:"language-",linkify:!1,typographer:!1,quotes:"“”‘’",highlight:null,maxNesting:100},components:{core:{},block:{},inline:{}}},zero:{options:{html:!1,xhtmlOut:!1,breaks:!1,langPrefix:"language-",linkify:!1,typographer:!1,quotes:"“”‘’",highlight:null,maxNesting:20},components:{core:{rules:["normalize","block","strip_references","inline","text_join"]},block:{rules:["paragraph"]},inline:{rules:["text"],rules2:["balance_pairs","fragments_join"]}}},commonmark:{options:{html:!0,xhtmlOut:!0,breaks:!1,langPrefix:"language-",linkify:!1,typographer:!1,quotes:"“”‘’",highlight:null,maxNesting:20},components:{core:{rules:["normalize","block","strip_references","inline","text_join"]},block:{rules:["blockquote","code","fence","heading","hr","html_block","lheading","list","reference","paragraph"]},inline:{rules:["autolink","backticks","emphasis","entity","escape","html_inline","image","link","newline","text"],rules2:["balance_pairs","emphasis","fragments_join"]}}}},od=/^(vbscript|javascript|file|data):/,sd=/^data:image\/(gif|png|jpeg|webp);/,cs=["http:","https:","mailto:"],ke=class{validateLink(e){let t=e.trim().toLowerCase();return od.test(t)?sd.test(t):!0}normalizeLink(e){let t=_t(e,!0);if(t.hostname&&(!t.protocol||cs.indexOf(t.protocol)>=0))try{t.hostname=Or.toASCII(t.hostname)}catch{}return t.auth&&(t.auth=Oe(t.auth)),t.hostname&&(t.hostname=Oe(t.hostname)),t.pathname&&(t.pathname=Oe(t.pathname)),t.search&&(t.search=Oe(t.search)),t.hash&&(t.hash=Oe(t.hash)),st(t)}normalizeLinkText(e){let t=_t(e,!0);if(t.hostname&&(!t.protocol||cs.indexOf(t.protocol)>=0))try{t.hostname=Or.toUnicode(t.hostname)}catch{}return kt(st(t),kt.defaultChars+"%")}constructor(...e){S(this,"inline",new Cs),S(this,"block",new _s),S(this,"core",new bs),S(this,"renderer",new ps),S(this,"linkify",new Wo),S(this,"utils",Tc),S(this,"helpers",Object.assign({},Vc));let[t,n]=e;typeof t=="string"?(this.configure(t),n&&this.set(n)):(this.configure("default"),this.set(t||{}))}set(e){return Object.assign(this.options,e),this}configure(e){let t;if(typeof e=="string"){let i=e;if(t=id[i],!t)throw new Error(`Wrong 'markdown-it' preset "${i}", check name`)}else t=e;if(!t)throw new Error("Wrong `markdown-it` preset, can't be empty");t.options&&(this.options={...t.options});let n=t.components;if(n){var r;["core","block","inline"].forEach(o=>{var s;let a=(s=n[o])===null||s===void 0?void 0:s.rules;a&&this[o].ruler.enableOnly(a)});let i=(r=n.inline)===null||r===void 0?void 0:r.rules2;i&&this.inline.ruler2.enableOnly(i)}return this}enable(e,t=!1){let n=[];Array.isArray(e)||(e=[e]),["core","block","inline"].forEach(i=>{n=n.concat(this[i].ruler.enable(e,!0))}),n=n.concat(this.inline.ruler2.enable(e,!0));let r=e.filter(i=>n.indexOf(i)<0);if(r.length&&!t)throw new Error(`MarkdownIt. Failed to enable unknown rule(s): ${r}`);return this}disable(e,t=!1){let n=[];Array.isArray(e)||(e=[e]),["core","block","inline"].forEach(i=>{n=n.concat(this[i].ruler.disable(e,!0))}),n=n.concat(this.inline.ruler2.disable(e,!0));let r=e.filter(i=>n.indexOf(i)<0);if(r.length&&!t)throw new Error(`MarkdownIt. Failed to disable unknown rule(s): ${r}`);return this}use(e,...t){return e.apply(e,[this,...t]),this}parse(e,t){if(typeof e!="string")throw new Error("Input data should be a String");let n=new this.core.State(e,this,t);return this.core.process(n),n.tokens}render(e,t={}){return this.renderer.render(this.parse(e,t),this.options,t)}parseInline(e,t){let n=new this.core.State(e,this,t);return n.inlineMode=!0,this.core.process(n),n.tokens}renderInline(e,t={}){return this.renderer.render(this.parseInline(e,t),this.options,t)}};S(ke,"Token",Ge);S(ke,"Ruler",St);S(ke,"Renderer",ps);S(ke,"ParserCore",bs);S(ke,"StateCore",ms);S(ke,"ParserBlock",_s);S(ke,"StateBlock",vs);S(ke,"ParserInline",Cs);S(ke,"StateInline",ys);var Ts=ds(ke);var ad=/^<br\s*\/?>/i,ld=/^text-align:(left|right|center)$/,Se=new Ts({html:!1,linkify:!0,breaks:!0,maxNesting:20});Se.linkify.set({fuzzyLink:!1,fuzzyEmail:!1,fuzzyIP:!1});Se.core.ruler.disable("strip_references");Se.core.ruler.after("inline","tasks",cd);Se.inline.ruler.before("autolink","line_break",ud);var lt=Se.renderer.rules;lt.heading_open=(e,t)=>`<h3 class="depth-${e[t]?.tag.slice(1)}">`;lt.heading_close=()=>"</h3>";lt.fence=(e,t)=>Ss(e[t]?.content??"",e[t]?.info??"");lt.code_block=(e,t)=>Ss(e[t]?.content??"","");lt.th_open=lt.td_open=(e,t)=>{let n=e[t],r=ld.exec(String(n?.attrGet("style")))?.[1];return r?`<${n?.tag} align="${r}">`:`<${n?.tag}>`};function kn(e,t){let n={references:Object.assign(Object.create(null),t)},r=[];for(let i of Se.parse(e,n))i.level===0&&i.nesting>=0&&i.map!==null&&r.push({kind:i.type,line:i.map[0],tokens:[]}),r.at(-1)?.tokens.push(i);return{blocks:r,references:n.references}}function Ds(e){return Se.renderer.render(e.tokens,Se.options,{})}function Wr(e){return e.tokens.filter(t=>t.type==="reference_definition").map(t=>String(t.meta?.label))}function Ss(e,t){let n=/^[\w.+#-]{1,40}/.exec(t.trim())?.[0];return`<pre><code${n?` class="language-${n}"`:""}>${Se.utils.escapeHtml(e)}</code></pre>`}function cd(e){e.tokens.forEach((t,n)=>{let r=t.children?.[0];r?.type!=="text"||e.tokens[n-2]?.type!=="list_item_open"||(r.content=r.content.replace(/^\[ \] /,"☐ ").replace(/^\[[xX]\] /,"☑ "))})}function ud(e,t){let n=ad.exec(e.src.slice(e.pos,e.pos+8));return n===null?!1:(t||e.push("hardbreak","br",0),e.pos+=n[0].length,!0)}function Jr(e,t){let n=e.firstChild;for(let r of Array.from(t.childNodes)){if(n===null){e.appendChild(r);continue}let i=n.nextSibling;dd(n,r)||e.replaceChild(r,n),n=i}for(;n!==null;){let r=n.nextSibling;n.remove(),n=r}}function dd(e,t){if(e instanceof Text&&t instanceof Text)return t.data.startsWith(e.data)?t.length>e.length&&e.appendData(t.data.slice(e.length)):e.data=t.data,!0;if(!(e instanceof Element&&t instanceof Element)||e.localName!==t.localName)return!1;for(let n of e.getAttributeNames())t.hasAttribute(n)||e.removeAttribute(n);for(let{name:n,value:r}of Array.from(t.attributes))e.getAttribute(n)!==r&&e.setAttribute(n,r);return Jr(e,t),!0}var hd=/(^|\n)[ \t]*[-=*+_#>|~`: \t]+$/,fd=/(^|\n)\|[^\n]*(\n[ \t]*\|?[-:| \t]*)?$/,pd=/(!?)\[([^[\]\n]*)(?:\](?:\([^()\n]*)?)?$/;function Fs(e,t){if(t==="fence")return md(e);if(t==="table_open"&&e.trimEnd().split(`
`).length===2)return e;let n=e.replace(hd,"$1");t==="paragraph_open"&&(n=n.replace(fd,"$1"));let r=n.lastIndexOf(`
`)+1;return n.slice(0,r)+gd(n.slice(r))}function md(e){return e.includes(`
`)?e.replace(/\n[ \t]*(`{1,2}|~{1,2})$/,`
`):""}function gd(e){if((e.split("`").length-1)%2===1)return e.endsWith("`")?e.slice(0,-1):`${e}\``;let n=e.replace(pd,(r,i,o)=>i?"":o).replace(/[*_~]+$/,"").trimEnd();return n+bd(n).reverse().join("")}function bd(e){let t=[],n=/^\s*[*+-]\s/.exec(e)?.[0].length??0;for(let{0:r,index:i}of e.slice(n).matchAll(/\*\*|\*|~~|__/g)){let o=n+i;t.includes(r)?/\S/.test(e[o-1]??" ")&&t.splice(t.lastIndexOf(r)):/\S/.test(e[o+r.length]??" ")&&t.push(r)}return t}var vd=16384,xd=12,wd=150,kd=50,Ft=class{element=b("div",{class:"markdown"});open=null;#e;#n="";#t=!1;#i=0;#o="";#s={};#r=!1;#a=null;#c=!1;#l=document.createDocumentFragment();#u=0;#d=0;constructor(t){this.#e=t}update(t,n){let r=t.includes("\r")?t.replace(/\r\n?/g,`
`):t;r===this.#n&&n===this.#t||((this.#t||!r.startsWith(this.#n))&&(this.#h({}),this.element.replaceChildren()),this.#n=r,this.#t=n,this.#r=!1,this.#f())}close(){clearTimeout(this.#d)}#h(t){this.#l.replaceChildren(),this.open=null,this.#a=null,this.#i=0,this.#o="",this.#s=t}#f(){clearTimeout(this.#d);let t=performance.now();for(;this.#m();)if(!(performance.now()<t+xd)){this.#d=window.setTimeout(()=>this.#f()),this.element.ariaBusy="true",!this.#r&&t>this.#u+wd&&this.#p(t);return}this.#p(t),this.element.ariaBusy="false"}#p(t){this.#u=t,this.#r&&this.element.replaceChildren(),this.#l.hasChildNodes()&&this.element.append(this.#l)}#m(){let t=vd-this.#o.length,n=this.#i+t>=this.#n.length,r=this.#o+this.#n.slice(this.#i,this.#i+t),{blocks:i,references:o}=kn(r,this.#s);if(n&&this.#t)return this.#b(i,o,r.length),this.#x();let s=i.at(-1),a=s===void 0?r.length:Ms(r,s.line);return this.#c=!n,i.length>1&&this.#b(i.slice(0,-1),o,a),n?(s!==void 0&&this.#v(r.slice(a),s.kind,o),!1):(i.length<=1&&this.#g(s,r),!0)}#x(){return this.#r||Object.keys(this.#s).length===0?!1:(this.#h(this.#s),this.#r=!0,!0)}#g(t,n){let r=n.lastIndexOf(`
`)+1||n.lastIndexOf(" ")+1,i=r>this.#o.length?r:n.length,{blocks:o,references:s}=kn(n.slice(0,i),this.#s);this.#b(o,s,i),this.#o=t===void 0?"":_d(t,n)}#b(t,n,r){for(let o of t.flatMap(Wr))n[o]!==void 0&&(this.#s[o]=n[o]);let i=this.#y(t.filter(o=>Wr(o).length===0));for(let o of Array.from(i.children)){let s=this.#k(o);this.open=null,!this.#r&&!this.#c&&this.#e.onSettled?.(s)}this.#t&&this.open?.remove(),this.#a=null,this.#i+=r-this.#o.length,this.#o=""}#v(t,n,r){let i=Fs(t,n);if(i===this.#a)return;this.#a=i;let o=this.#y(kn(i,r).blocks),s=b("div",{},...Array.from(o.children).flatMap(a=>Array.from(a.childNodes)));this.open=this.#k(s)}#y(t){let n=this.#e.sanitise(t.map(r=>`<div>${Ds(r)}</div>`).join(""));return this.#e.decorate(n),n}#w(){let t=this.#r?null:this.element.lastElementChild,n=this.#l.lastElementChild??t;if(n!==null&&n.childElementCount<kd)return n;n?.classList.add("whole");let r=b("div",{class:"stretch"});return this.#l.append(r),r}#k(t){return t.className="block",t.setAttribute("dir","auto"),this.open===null?(this.#w().append(t),t):(Jr(this.open,t),this.open)}};function Ms(e,t){let n=0;for(let r=0;r<t;r++)n=e.indexOf(`
`,n)+1;return n}function _d(e,t){let n=t.slice(Ms(t,e.line)).split(`
`,2);return e.kind==="table_open"?`${n.join(`
`)}
`:e.kind==="fence"?`${n[0]}
`:""}var Ls={network:"network",unauthorized:"unauthorized",forbidden:"unauthorized",rate_limited:"rate_limited",quota_exceeded:"rate_limited",model_rate_limited:"rate_limited",overloaded:"overloaded",model_unavailable:"model",model_timeout:"model",model_refused:"model",context_too_long:"too_long"};function Fe(e,t){let n=Object.hasOwn(Ls,e.code)?Ls[e.code]:void 0,r=n===void 0?`${t.errors.other} ${e.message}`.trim():t.errors[n];return e.retryAfterS===null?r:`${r} ${t.tryAgainIn(ot(Math.ceil(e.retryAfterS),t))}`}function _n(e){return e instanceof Ie?e:{code:"internal",message:"",recoverable:!1,retryAfterS:null}}var Mt=class{element=b("div",{class:"earlier",hidden:!0});#e;#n;#t=null;constructor(t,n){this.#e=t,this.#n=n}update({versions:t}){if(t===this.#t)return;if(this.#t=t,this.element.hidden=t.length===0,t.length===0)return V(this.element);let n=b("div",{class:"inside"}),r=()=>{n.childElementCount===0&&n.append(...t.map(({text:o})=>this.#n(o)))},i=b("summary",{},b("span",{},this.#e.versions(t.length)),H("chevron"));V(this.element,b("details",{class:"folded versions",ontoggle:r},i,n))}};var yd=1600,yn=class{element;#e;#n=b("div",{class:"bubble",dir:"auto"});#t=b("div",{class:"below"});#i;#o=b("span",{class:"state"});#s;#r;#a=null;constructor(t,n){let{texts:r}=t;this.#e=t,this.#i=new Mt(r,o=>b("div",{dir:"auto"},o)),this.#s=ce("pencil",r.edit,()=>this.#a&&t.edit(this.#a)),this.#r=b("button",{type:"button",class:"button",onclick:()=>zs(t)},r.retry);let i=Is(t,()=>this.#a?.text??"");this.#t.append(this.#o,this.#r,this.#s,i),this.element=b("li",{class:`message user${n?" fresh":""}`},b("span",{class:"unseen"},`${r.you}: `),this.#n,this.#t,this.#i.element)}update(t,n){this.#a=t;let r=t.status==="failed";he(this.#n,t.text),this.#i.update(t),he(this.#o,r?this.#e.texts.notSent:""),this.element.classList.toggle("sending",t.status==="sending"),this.#t.classList.toggle("kept",r),this.#r.hidden=!r||!n.last,this.#s.hidden=r||n.busy||t.runId===null}close(){}},An=class{element;#e;#n;#t;#i;#o;#s=new Map;#r=b("div",{class:"actions"});#a;#c=b("div");#l;#u=null;constructor(t,n){this.#e=t,this.#n=n,this.#t=new ln(t.texts),this.#i=new cn(t.texts),this.#o=new Ft({sanitise:t.sanitise,decorate:r=>Er(r,t.texts),onSettled:r=>n&&t.narrator.settled(r)}),this.#a=new Mt(t.texts,r=>this.#f(r)),this.#l=new qr(t),this.element=b("li",{class:`message answer${n?" fresh":""}`})}update(t,n){let r=!["sending","streaming","awaiting_input"].includes(t.status);this.element.classList.toggle("last",n.last),this.element.classList.toggle("streaming",t.status==="streaming"),this.#t.update(t),this.#i.update(t),this.#o.update(t.text,r),this.#n&&!r&&this.#e.narrator.open(this.#o.open),t.actions!==this.#u?.actions&&this.#h(t),this.#a.update(t),this.#p(t,n),this.#l.update(t,n,r),this.#u=t,V(this.element,this.#t.element,this.#i.element,this.#o.element,...this.#d(t),this.#r,this.#c,this.#a.element,this.#l.element)}close(){this.#o.close();for(let t of this.#s.values())t.close()}#d(t){return t.approvals.map(n=>{let r=this.#s.get(n.toolCallId)??new un(this.#e,n);return this.#s.set(n.toolCallId,r),r.update(n),r.element})}#h(t){this.#r.hidden=t.actions.length===0;let{texts:n}=this.#e;V(this.#r,...t.actions.map(({type:r,value:i})=>b("span",{class:"action"},H("bolt"),n.action(r.replaceAll("_"," "),i))))}#f(t){let{sanitise:n,texts:r}=this.#e,i=new Ft({sanitise:n,decorate:o=>Er(o,r)});return i.update(t,!0),i.element}#p(t,n){let{texts:r}=this.#e,{error:i}=t;if(this.#c.hidden=i===null,i===null||i===this.#u?.error&&this.#c.childElementCount>0)return;let o=b("button",{type:"button",class:"button",onclick:()=>zs(this.#e)},r.retry);this.#c.className="problem",V(this.#c,H("warning"),b("p",{},Fe(i,r)),i.recoverable&&n.last?o:null)}},qr=class{element;#e;#n=b("span",{class:"state"});#t;#i;#o;#s=null;constructor(t){let{texts:n}=t;this.#e=t,this.#t=ce("up",n.good,()=>this.#r("up")),this.#i=ce("down",n.bad,()=>this.#r("down")),this.#o=ce("again",n.again,()=>{t.focusComposer(),t.chat.regenerate(this.#s?.id)});let r=Is(t,()=>this.#s?.text??"");this.element=b("div",{class:"below"},r,this.#t,this.#i,this.#o,this.#n)}update(t,n,r){let{texts:i}=this.#e;this.#s=t,this.element.hidden=!r||t.text===""&&t.status==="failed",this.#t.setAttribute("aria-pressed",String(t.feedback==="up")),this.#i.setAttribute("aria-pressed",String(t.feedback==="down")),this.#o.hidden=n.busy||t.status==="failed";let o={cancelled:i.stopped,partial:i.partial};he(this.#n,o[t.status]??""),this.element.classList.toggle("kept",t.feedback!==null||this.#n.textContent!=="")}#r(t){this.#s!==null&&this.#e.client.feedback(this.#s.id,{rating:t}).catch(n=>this.#e.report(n))}};function ce(e,t,n){return b("button",{type:"button",class:"tool",title:t,"aria-label":t,onclick:n},H(e))}function Is(e,t){let n=ce("copy",e.texts.copy,()=>Gr(n,e,t()));return n}function Gr(e,t,n){Ao(n,e).then(()=>{let r=Array.from(e.childNodes);if(e.querySelector(".icon-check")!==null)return;let i=e.textContent===""?null:t.texts.copied;e.replaceChildren(H("check"),...i===null?[]:[i]),t.narrator.live.say(t.texts.copied),setTimeout(()=>e.replaceChildren(...r),yd)})}function zs(e){e.focusComposer(),e.chat.retry()}var Ns=20,Ad=200,En=class{element;#e;#n;#t=b("div",{class:"notice error",hidden:!0});#i=b("ul");#o=null;#s=null;#r=0;#a=0;constructor(t,n){let{texts:r}=t;this.#e=t,this.#n=b("input",{type:"search",placeholder:r.search,"aria-label":r.search,autocomplete:"off",oninput:()=>this.#l()});let i=()=>{t.chat.startNew(),n(),t.focusComposer()};this.element=b("section",{class:"conversations","aria-label":r.conversations},b("div",{class:"head"},ce("back",r.back,n),b("h2",{},r.conversations),ce("plus",r.newConversation,i)),b("div",{class:"search"},H("search"),this.#n),this.#t,this.#i),this.#c=n}#c;async load(){let t=++this.#a,n=this.#n.value.trim();try{let r=await this.#e.client.conversations.list({limit:Ns,...n===""?{}:{q:n}});if(t!==this.#a)return;this.#s=r.nextCursor,this.#d(r.items.map(i=>this.#p(i))),this.#u(r.items.length,n),this.#k()}catch(r){t===this.#a&&this.#w(r,()=>{this.load()})}}focus(){this.#n.focus()}mark(t){this.#o=t;for(let n of Array.from(this.#i.children))this.#x(n)}close(){clearTimeout(this.#r),this.#a++}#l(){clearTimeout(this.#r),this.#r=window.setTimeout(()=>{this.load()},Ad)}#u(t,n){n!==""&&t===0&&this.#e.narrator.live.say(this.#e.texts.nothingFound)}#d(t){let{texts:n}=this.#e,r=this.#n.value.trim()===""?n.noConversations:n.nothingFound;V(this.#i,...t.length>0?t:[b("li",{class:"empty"},r)],this.#h())}#h(){let t=this.#s;if(t===null)return null;let n=b("li");return n.append(b("button",{type:"button",class:"button more",onclick:()=>this.#f(n,t)},this.#e.texts.more)),n}async#f(t,n){let r=this.#a,i=this.#n.value.trim();try{let o=await this.#e.client.conversations.list({limit:Ns,cursor:n,...i===""?{}:{q:i}});if(r!==this.#a)return;let s=o.items.map(c=>this.#p(c));this.#s=o.nextCursor;let a=this.#h();t.replaceWith(...s,...a===null?[]:[a]),s[0]?.querySelector("button")?.focus(),this.#k()}catch(o){r===this.#a&&this.#w(o)}}#p(t){let n=b("li",{"data-id":t.id});return this.#m(n,t),n}#m(t,n){let{texts:r,chat:i}=this.#e,o=n.title||r.untitled;V(t,b("button",{type:"button",class:"open",onclick:()=>{this.#c(),this.#e.focusComposer(),i.open(n.id)}},b("b",{dir:"auto"},o),b("span",{},sn(n.updatedAt,r))),ce("pencil",`${r.rename}: ${o}`,()=>this.#g(t,n)),ce("trash",`${r.remove}: ${o}`,()=>this.#v(t,n))),this.#x(t)}#x(t){let n=this.#o!==null&&t.getAttribute("data-id")===this.#o;t.classList.toggle("current",n),t.querySelector(".open")?.setAttribute("aria-current",String(n))}#g(t,n){let{texts:r}=this.#e,i=b("input",{type:"text",maxlength:200,"aria-label":r.newTitle,dir:"auto"});i.value=n.title;let o=()=>this.#_(t,n),a=b("form",{onsubmit:c=>{c.preventDefault(),this.#b(t,n,i.value.trim())},onkeydown:Os(o)},i,b("button",{type:"submit",class:"button primary"},r.save),b("button",{type:"button",class:"button",onclick:o},r.cancel));V(t,a),i.focus(),i.select()}async#b(t,n,r){if(r===""||r===n.title)return this.#_(t,n);try{this.#_(t,await this.#e.client.conversations.rename(n.id,r)),this.#k()}catch(i){this.#w(i)}}#v(t,n){let{texts:r}=this.#e,i=()=>this.#_(t,n),o=b("button",{type:"button",class:"button",onclick:i},r.keep),s=()=>{this.#y(t,n)},a=b("div",{class:"sure",role:"group","aria-label":r.removeThis,onkeydown:Os(i)},b("span",{},r.removeThis),b("button",{type:"button",class:"button danger",onclick:s},r.remove),o);V(t,a),o.focus()}async#y(t,n){try{await this.#e.client.conversations.delete(n.id),t.remove(),this.focus(),this.#i.childElementCount===0&&this.#d([]),this.#k()}catch(r){this.#_(t,n),this.#w(r)}}#w(t,n=null){let{texts:r,narrator:i}=this.#e,o=Fe(_n(t),r),s=n&&b("button",{type:"button",class:"button",onclick:n},r.retry);V(this.#t,H("warning"),b("p",{},o),s),this.#t.hidden=!1,i.urgent.say(o)}#k(){this.#t.matches(":focus-within")&&this.focus(),this.#t.hidden=!0}#_(t,n){this.#m(t,n),t.querySelector(".open")?.focus()}};function Os(e){return t=>{t.key==="Escape"&&(t.stopPropagation(),e())}}var Cn=class{live=new Je;urgent=new Je("assertive");#e;#n;#t=0;#i=null;constructor(t){this.#e=t,this.#n=new Intl.Segmenter(t.language,{granularity:"sentence"})}update(t){let n=this.#i;if(this.#i=t,n===null||n===t||n.phase==="loading"||t.phase==="loading")return;n.connection!==t.connection&&this.live.say(t.connection==="offline"?this.#e.offline:this.#e.backOnline),n.phase!==t.phase&&this.#o(n,t);let r=t.messages.at(-1),i=n.messages.find(o=>o.id===r?.id);r?.role==="assistant"&&r!==i&&this.#s(i,r),t.error!==null&&t.error!==n.error&&this.urgent.say(Fe(t.error,this.#e))}settled(t){let n=this.#r(Rn(t,this.#e));this.live.say(n.slice(this.#t).join(" ")),this.#t=0}open(t){if(t===null||t.childElementCount!==1||t.firstElementChild?.localName!=="p")return;let n=this.#r(t.textContent??"").slice(0,-1);n.length<=this.#t||(this.live.say(n.slice(this.#t).join(" ")),this.#t=n.length)}#o(t,n){n.phase==="sending"&&t.phase==="idle"&&this.live.say(this.#e.answering),n.phase==="reconnecting"&&this.live.say(this.#e.reconnecting),t.phase==="reconnecting"&&n.phase==="streaming"&&this.live.say(this.#e.backOnline)}#s(t,n){for(let i of n.toolCalls)t?.toolCalls.find(s=>s.id===i.id)?.status!==i.status&&i.status==="running"&&this.live.say(wt(i,this.#e));let r=n.approvals.at(-1);r!==void 0&&r.decision===null&&n.approvals.length!==t?.approvals.length&&this.urgent.say(`${this.#e.approval}: ${r.title}`),!(t===void 0||t.status===n.status)&&(n.status==="completed"&&this.live.say(this.#e.answered),n.status==="cancelled"&&this.live.say(this.#e.stopped))}#r(t){return Array.from(this.#n.segment(t),({segment:n})=>n.trim()).filter(Boolean)}};function Rn(e,t){let n=[];for(let r of Array.from(e.childNodes))r instanceof Element?r.matches(".code")?n.push(`${t.code}. `):r.matches("td, th")?n.push(Rn(r,t),", "):r.matches("li, tr, p, h3")?n.push(Rn(r,t),`
`):n.push(Rn(r,t)):n.push(r.textContent??"");return n.join("")}var Ed=4,Tn=class{element;#e;#n;#t=b("div",{class:"content"});#i;#o=new Map;#s=new Map;#r;#a=b("div",{class:"typing","aria-hidden":"true"},b("i"),b("i"),b("i"));#c=b("div",{class:"skeleton","aria-hidden":"true"},b("i"),b("i"),b("i"),b("i"));#l;#u=[];#d;#h=!0;#f=0;#p=null;#m;constructor(t){let{texts:n}=t;this.#e=t,this.#r=new Zr(t),this.#i=b("ol",{class:"messages",role:"list","aria-label":n.messages}),this.#l=b("div",{class:"suggestions",role:"group","aria-label":n.suggestions}),this.#d=b("button",{type:"button",class:"button jump",hidden:!0,onclick:()=>this.#k()},H("arrowDown"),n.jumpToLatest),this.#n=b("div",{class:"scroller",role:"group",tabindex:0,"aria-label":n.messages},this.#t),this.#n.addEventListener("scroll",()=>this.#y(),{passive:!0}),this.#n.addEventListener("click",r=>this.#_(r)),this.element=b("div",{class:"transcript"},this.#n,this.#d),this.#m=new ResizeObserver(()=>this.#v()),this.#m.observe(this.#t),this.#m.observe(this.#n)}update(t,n){let r=t.phase==="loading",i=t.messages.length===0&&!r;this.#x(t),i&&this.#r.update(n),this.#b(t),V(this.#t,i?this.#r.element:null,r&&t.messages.length===0?this.#c:null,this.#i,Cd(t)?this.#a:null,this.#l),this.#p=t,this.#v()}toEnd(){this.#h=!0,this.#v()}close(){this.#m.disconnect();for(let t of this.#o.values())t.close()}#x(t){let n=new Set(t.messages.map(o=>o.id));for(let[o,s]of this.#o)n.has(o)||(s.close(),this.#o.delete(o),this.#s.delete(o));let r=!["idle","loading"].includes(t.phase),i=t.messages.map((o,s)=>{let a=s===t.messages.length-1,c=this.#o.get(o.id)??this.#g(o,t),u=`${a} ${r}`,h=this.#s.get(o.id);return(h?.message!==o||h.place!==u)&&c.update(o,{last:a,busy:r}),this.#s.set(o.id,{message:o,place:u}),c.element});V(this.#i,...i)}#g(t,n){let r=this.#p!==null&&Rd(this.#p,n),i=t.role==="user"?new yn(this.#e,r):new An(this.#e,r);return this.#o.set(t.id,i),i}#b(t){let n=t.phase==="idle"?t.suggestions:[];n!==this.#u&&(this.#u=n,V(this.#l,...n.map(r=>Ps(this.#e,r))))}#v(){this.#h&&(this.#n.scrollTop=this.#n.scrollHeight),this.#w()}#y(){let{scrollTop:t,scrollHeight:n,clientHeight:r}=this.#n;n-t-r<=Ed?this.#h=!0:t<this.#f&&(this.#h=!1),this.#f=t,this.#w()}#w(){let{scrollTop:t,scrollHeight:n,clientHeight:r}=this.#n;this.#d.hidden=this.#h||n-t-r<r/4}#k(){this.toEnd(),this.#e.focusComposer()}#_(t){let n=t.target instanceof Element?t.target.closest(".copy-code"):null,r=n?.closest(".code")?.querySelector("pre")?.textContent;n&&r!=null&&Gr(n,this.#e,r)}},Zr=class{element;#e;#n=b("h3",{dir:"auto",hidden:!0});#t;#i=null;constructor(t){this.#e=t,this.#t=b("div",{class:"starters",role:"group","aria-label":t.texts.starters});let n=b("span",{class:"mark"},H("spark"));this.element=b("div",{class:"welcome"},n,this.#n,this.#t)}update(t){t!==this.#i&&(this.#i=t,this.#n.textContent=t?.greeting??"",this.#n.hidden=!t?.greeting,V(this.#t,...(t?.starters??[]).map(n=>Ps(this.#e,n,H("send")))),this.#t.hidden=(t?.starters.length??0)===0)}};function Ps(e,t,n=null){return b("button",{type:"button",onclick:()=>{e.focusComposer(),e.chat.send(t)}},b("span",{dir:"auto"},t),n)}function Rd(e,t){if(e.phase==="loading"||t.phase==="loading")return!1;let n=e.messages[0];return n===void 0?t.messages.length<=2:t.messages[0]?.id===n.id}function Cd(e){if(!["sending","streaming","reconnecting"].includes(e.phase))return!1;let t=e.messages.at(-1);return t?.role!=="assistant"?!0:t.text===""&&!t.toolCalls.some(n=>n.status==="running")}var Dn=class{element;texts;client;chat;sanitise;narrator;#e;#n=b("h2");#t=b("p",{dir:"auto"});#i;#o=b("div",{class:"notice",hidden:!0});#s=b("div",{class:"desk"});#r;#a;#c;#l=!1;#u;#d=null;#h=null;constructor(t){let{texts:n}=t;this.texts=n,this.client=t.client,this.chat=t.chat,this.sanitise=t.sanitise,this.narrator=new Cn(n),this.#e=t.close,this.#r=new Tn(this),this.#a=new an(this,t.memory),this.#c=new En(this,()=>this.#p(!1)),this.#i=ce("list",n.conversations,()=>this.#p(!this.#l)),this.#i.setAttribute("aria-expanded","false"),this.#s.append(this.#f(),this.#o,this.#r.element,this.#a.element),this.element=b("div",{class:"surface",lang:n.language,dir:n.direction,onkeydown:r=>this.#x(r)},this.#s,this.narrator.live.element,this.narrator.urgent.element),this.#u=new ResizeObserver(()=>this.#m()),this.#u.observe(this.element)}update(t,n){let r=this.#d;this.#d=t,he(this.#n,n?.name??this.texts.assistant),he(this.#t,t.title??""),n!==null&&(this.#a.limit=n.limits.messageCharacters),this.#a.update(t),this.#r.update(t,n),this.#c.mark(t.conversationId),t.phase==="sending"&&r?.phase!=="sending"&&this.#r.toEnd(),this.#l&&Sd(r,t)&&this.#c.load(),t.error!==r?.error&&(this.#h=null),this.#g(t),this.narrator.update(t)}focusComposer(){this.#a.focus()}edit(t){this.#a.edit(t)}report(t){this.#h=_n(t),this.narrator.urgent.say(Fe(this.#h,this.texts)),this.#d!==null&&this.#g(this.#d)}close(){this.#u.disconnect(),this.#r.close(),this.#c.close()}#f(){let{texts:t}=this,n=()=>{this.chat.startNew(),this.focusComposer()};return b("div",{class:"head"},b("span",{class:"mark"},H("spark")),b("div",{class:"names"},this.#n,this.#t),this.#i,ce("plus",t.newConversation,n),this.#e===null?null:ce("close",t.close,this.#e))}#p(t){t!==this.#l&&(this.#l=t,this.#i.setAttribute("aria-expanded",String(t)),t?(this.element.prepend(this.#c.element),this.#c.load()):this.#c.element.remove(),this.#m(),t?this.#c.focus():this.#i.focus())}#m(){let t=this.#l&&getComputedStyle(this.#c.element).position==="absolute";this.#s.inert=t}#x(t){t.key!=="Escape"||t.isComposing||t.defaultPrevented||(t.preventDefault(),t.stopPropagation(),this.#a.isEditing?this.#a.cancelEdit():this.#l?this.#p(!1):this.#e?.())}#g(t){let{texts:n}=this,r=this.#h??Dd(t),i=t.connection==="offline"?n.offline:t.phase==="reconnecting"?n.reconnecting:r!==null?Fe(r,n):null;this.#o.hidden=i===null,this.#o.classList.toggle("error",i!==null&&r!==null&&t.phase!=="reconnecting");let o=t.connection==="offline"||t.phase==="reconnecting",s=this.#o.querySelector("p")?.textContent??null;i!==s&&V(this.#o,i===null?null:H(o?"offline":"warning"),i===null?null:b("p",{},i),!o&&r?.recoverable&&r===t.error&&!Td(t)?this.#b():null,!o&&r!==null&&r===this.#h?this.#v():null)}#b(){return b("button",{type:"button",class:"button",onclick:()=>{this.focusComposer(),this.chat.retry()}},this.texts.retry)}#v(){return ce("close",this.texts.close,()=>{this.#h=null,this.focusComposer(),this.#d!==null&&this.#g(this.#d)})}};function Td(e){let t=e.messages.at(-1);return t?.role==="user"&&t.status==="failed"}function Dd(e){let t=e.messages.at(-1);return t?.role==="assistant"&&t.status==="failed"?null:e.error}function Sd(e,t){return e?.conversationId!==t.conversationId||e?.title!==t.title}var Bs={language:"ar",direction:"rtl",assistant:"المساعد",open:"فتح المساعد",close:"إغلاق",unread:"إجابة جديدة",newConversation:"محادثة جديدة",conversations:"المحادثات",messages:"الرسائل",jumpToLatest:"الانتقال إلى الأحدث",placeholder:"اسأل ما تشاء …",message:"رسالة",send:"إرسال",stop:"إيقاف",keys:"Enter للإرسال، وShift+Enter لسطر جديد",tooLong:e=>`عدد الأحرف الزائدة: ${e}`,editing:"أنت تعدّل رسالتك",cancel:"إلغاء",you:"أنت",answering:"المساعد يجيب …",answered:"اكتملت الإجابة.",stopped:"متوقفة",partial:"هذه الإجابة غير مكتملة",notSent:"لم تُرسل",reasoning:"التفكير",suggestions:"اقتراحات",starters:"للبدء",copy:"نسخ",copied:"تم النسخ",code:"شيفرة",table:"جدول",edit:"تعديل",again:"إجابة من جديد",good:"إجابة جيدة",bad:"إجابة سيئة",retry:"إعادة المحاولة",versions:e=>`نسخ سابقة: ${e}`,doing:{look:e=>`جارٍ البحث: ${e} …`,add:e=>`جارٍ الإضافة: ${e} …`,change:e=>`جارٍ التغيير: ${e} …`,remove:e=>`جارٍ الحذف: ${e} …`,use:e=>`جارٍ الاستخدام: ${e} …`},done:{look:e=>`تم البحث: ${e}`,add:e=>`تمت الإضافة: ${e}`,change:e=>`تم التغيير: ${e}`,remove:e=>`تم الحذف: ${e}`,use:e=>`تم الاستخدام: ${e}`},usedTools:e=>`الخطوات: ${e}`,toolFailed:"فشل",toolWaits:"في الانتظار",duration:e=>`${e} ث`,action:(e,t)=>`${e}: ${t}`,approval:"موافقتك مطلوبة",approve:"موافقة",deny:"رفض",approved:"تمت الموافقة",denied:"مرفوض",expired:"انتهت المهلة",expiresAt:e=>`حتى ${e}`,search:"البحث في المحادثات",noConversations:"لا توجد محادثات بعد",nothingFound:"لم يُعثر على شيء",untitled:"بلا عنوان",rename:"إعادة التسمية",newTitle:"عنوان جديد",save:"حفظ",remove:"حذف",removeThis:"حذف هذه المحادثة؟",keep:"إبقاء",more:"عرض المزيد",back:"رجوع",offline:"أنت غير متصل. تستمر الإجابات وستجدها هنا عند عودتك.",reconnecting:"انقطع الاتصال. جارٍ إعادة الاتصال …",backOnline:"عاد الاتصال.",loading:"جارٍ التحميل …",signInAgain:"تسجيل الدخول من جديد",errors:{network:"تعذّر الوصول إلى المساعد.",unauthorized:"انتهت جلستك. سجّل الدخول من جديد.",rate_limited:"كان ذلك كثيرًا دفعة واحدة. انتظر لحظة.",overloaded:"المساعد مشغول. حاول مجددًا بعد قليل.",model:"لم يُجب النموذج.",too_long:"أصبحت هذه المحادثة طويلة جدًا. ابدأ محادثة جديدة.",other:"حدث خطأ ما."},tryAgainIn:e=>`حاول مجددًا بعد ${e} ث.`};var $s={language:"de",direction:"ltr",assistant:"Assistent",open:"Assistent öffnen",close:"Schließen",unread:"Neue Antwort",newConversation:"Neue Unterhaltung",conversations:"Unterhaltungen",messages:"Nachrichten",jumpToLatest:"Zum Ende springen",placeholder:"Frag etwas …",message:"Nachricht",send:"Senden",stop:"Anhalten",keys:"Eingabe sendet, Umschalt+Eingabe beginnt eine neue Zeile",tooLong:e=>`${e} Zeichen zu viel`,editing:"Du änderst deine Nachricht",cancel:"Abbrechen",you:"Du",answering:"Der Assistent antwortet …",answered:"Antwort vollständig.",stopped:"Angehalten",partial:"Diese Antwort ist nicht vollständig",notSent:"Nicht gesendet",reasoning:"Gedanken",suggestions:"Vorschläge",starters:"Zum Einstieg",copy:"Kopieren",copied:"Kopiert",code:"Code",table:"Tabelle",edit:"Bearbeiten",again:"Neu antworten",good:"Gute Antwort",bad:"Schlechte Antwort",retry:"Noch einmal versuchen",versions:e=>e===1?"1 frühere Fassung":`${e} frühere Fassungen`,doing:{look:e=>`Sehe nach: ${e} …`,add:e=>`Lege an: ${e} …`,change:e=>`Ändere: ${e} …`,remove:e=>`Entferne: ${e} …`,use:e=>`Benutze: ${e} …`},done:{look:e=>`Nachgesehen: ${e}`,add:e=>`Angelegt: ${e}`,change:e=>`Geändert: ${e}`,remove:e=>`Entfernt: ${e}`,use:e=>`Benutzt: ${e}`},usedTools:e=>`${e} Schritte`,toolFailed:"Fehlgeschlagen",toolWaits:"Wartet",duration:e=>`${e} s`,action:(e,t)=>`${e}: ${t}`,approval:"Deine Zustimmung ist nötig",approve:"Zustimmen",deny:"Ablehnen",approved:"Zugestimmt",denied:"Abgelehnt",expired:"Abgelaufen",expiresAt:e=>`Bis ${e}`,search:"Unterhaltungen durchsuchen",noConversations:"Noch keine Unterhaltungen",nothingFound:"Nichts gefunden",untitled:"Ohne Titel",rename:"Umbenennen",newTitle:"Neuer Titel",save:"Speichern",remove:"Löschen",removeThis:"Diese Unterhaltung löschen?",keep:"Behalten",more:"Mehr anzeigen",back:"Zurück",offline:"Du bist offline. Antworten laufen weiter und sind da, wenn du zurück bist.",reconnecting:"Verbindung verloren. Verbinde neu …",backOnline:"Wieder verbunden.",loading:"Lädt …",signInAgain:"Neu anmelden",errors:{network:"Der Assistent ist nicht erreichbar.",unauthorized:"Deine Sitzung ist abgelaufen. Bitte melde dich neu an.",rate_limited:"Das war viel auf einmal. Bitte warte einen Moment.",overloaded:"Der Assistent ist ausgelastet. Bitte versuch es gleich noch einmal.",model:"Das Modell hat nicht geantwortet.",too_long:"Diese Unterhaltung ist zu lang geworden. Bitte beginne eine neue.",other:"Etwas ist schiefgegangen."},tryAgainIn:e=>`Nächster Versuch in ${e} s möglich.`};var Xr={language:"en",direction:"ltr",assistant:"Assistant",open:"Open the assistant",close:"Close",unread:"New answer",newConversation:"New conversation",conversations:"Conversations",messages:"Messages",jumpToLatest:"Jump to latest",placeholder:"Ask anything …",message:"Message",send:"Send",stop:"Stop",keys:"Enter sends, Shift+Enter begins a new line",tooLong:e=>`${e} characters too many`,editing:"Editing your message",cancel:"Cancel",you:"You",answering:"The assistant is answering …",answered:"Answer complete.",stopped:"Stopped",partial:"This answer is not complete",notSent:"Not sent",reasoning:"Thoughts",suggestions:"Suggestions",starters:"Ways to begin",copy:"Copy",copied:"Copied",code:"Code",table:"Table",edit:"Edit",again:"Answer again",good:"Good answer",bad:"Bad answer",retry:"Try again",versions:e=>e===1?"1 earlier version":`${e} earlier versions`,doing:{look:e=>`Looking up ${e} …`,add:e=>`Adding ${e} …`,change:e=>`Changing ${e} …`,remove:e=>`Removing ${e} …`,use:e=>`Using ${e} …`},done:{look:e=>`Looked up ${e}`,add:e=>`Added ${e}`,change:e=>`Changed ${e}`,remove:e=>`Removed ${e}`,use:e=>`Used ${e}`},usedTools:e=>`${e} steps`,toolFailed:"Failed",toolWaits:"Waiting",duration:e=>`${e} s`,action:(e,t)=>`${e}: ${t}`,approval:"Your approval is needed",approve:"Approve",deny:"Deny",approved:"Approved",denied:"Denied",expired:"Expired",expiresAt:e=>`Until ${e}`,search:"Search conversations",noConversations:"No conversations yet",nothingFound:"Nothing found",untitled:"Untitled",rename:"Rename",newTitle:"New title",save:"Save",remove:"Delete",removeThis:"Delete this conversation?",keep:"Keep",more:"Show more",back:"Back",offline:"You are offline. Answers go on without you and will be here when you are back.",reconnecting:"Connection lost. Reconnecting …",backOnline:"Connected again.",loading:"Loading …",signInAgain:"Sign in again",errors:{network:"The assistant cannot be reached.",unauthorized:"Your session has ended. Please sign in again.",rate_limited:"That was a lot at once. Please wait a moment.",overloaded:"The assistant is busy. Please try again shortly.",model:"The model did not answer.",too_long:"This conversation has become too long. Please begin a new one.",other:"Something went wrong."},tryAgainIn:e=>`Try again in ${e} s.`};var js={language:"es",direction:"ltr",assistant:"Asistente",open:"Abrir el asistente",close:"Cerrar",unread:"Respuesta nueva",newConversation:"Conversación nueva",conversations:"Conversaciones",messages:"Mensajes",jumpToLatest:"Ir al final",placeholder:"Pregunta lo que quieras …",message:"Mensaje",send:"Enviar",stop:"Detener",keys:"Intro envía, Mayús+Intro empieza otra línea",tooLong:e=>`Sobran ${e} caracteres`,editing:"Estás editando tu mensaje",cancel:"Cancelar",you:"Tú",answering:"El asistente está respondiendo …",answered:"Respuesta completa.",stopped:"Detenida",partial:"Esta respuesta no está completa",notSent:"No enviado",reasoning:"Razonamiento",suggestions:"Sugerencias",starters:"Para empezar",copy:"Copiar",copied:"Copiado",code:"Código",table:"Tabla",edit:"Editar",again:"Responder de nuevo",good:"Buena respuesta",bad:"Mala respuesta",retry:"Intentar de nuevo",versions:e=>e===1?"1 versión anterior":`${e} versiones anteriores`,doing:{look:e=>`Consultando ${e} …`,add:e=>`Añadiendo ${e} …`,change:e=>`Cambiando ${e} …`,remove:e=>`Eliminando ${e} …`,use:e=>`Usando ${e} …`},done:{look:e=>`Consultado: ${e}`,add:e=>`Añadido: ${e}`,change:e=>`Cambiado: ${e}`,remove:e=>`Eliminado: ${e}`,use:e=>`Usado: ${e}`},usedTools:e=>`${e} pasos`,toolFailed:"Falló",toolWaits:"En espera",duration:e=>`${e} s`,action:(e,t)=>`${e}: ${t}`,approval:"Se necesita tu aprobación",approve:"Aprobar",deny:"Rechazar",approved:"Aprobado",denied:"Rechazado",expired:"Caducado",expiresAt:e=>`Hasta: ${e}`,search:"Buscar conversaciones",noConversations:"Aún no hay conversaciones",nothingFound:"No se encontró nada",untitled:"Sin título",rename:"Cambiar el nombre",newTitle:"Título nuevo",save:"Guardar",remove:"Eliminar",removeThis:"¿Eliminar esta conversación?",keep:"Conservar",more:"Mostrar más",back:"Volver",offline:"No tienes conexión. Las respuestas continúan y estarán aquí cuando vuelvas.",reconnecting:"Se perdió la conexión. Reconectando …",backOnline:"Conexión recuperada.",loading:"Cargando …",signInAgain:"Iniciar sesión de nuevo",errors:{network:"No se puede llegar al asistente.",unauthorized:"Tu sesión ha terminado. Inicia sesión de nuevo.",rate_limited:"Fue demasiado de una vez. Espera un momento.",overloaded:"El asistente está ocupado. Inténtalo de nuevo en breve.",model:"El modelo no respondió.",too_long:"Esta conversación es demasiado larga. Empieza una nueva.",other:"Algo salió mal."},tryAgainIn:e=>`Inténtalo de nuevo en ${e} s.`};var Hs={language:"hi",direction:"ltr",assistant:"सहायक",open:"सहायक खोलें",close:"बंद करें",unread:"नया उत्तर",newConversation:"नई बातचीत",conversations:"बातचीत",messages:"संदेश",jumpToLatest:"सबसे नए पर जाएँ",placeholder:"कुछ भी पूछें …",message:"संदेश",send:"भेजें",stop:"रोकें",keys:"Enter से भेजें, Shift+Enter से नई पंक्ति",tooLong:e=>`${e} अक्षर अधिक हैं`,editing:"आप अपना संदेश बदल रहे हैं",cancel:"रद्द करें",you:"आप",answering:"सहायक उत्तर दे रहा है …",answered:"उत्तर पूरा हुआ।",stopped:"रोका गया",partial:"यह उत्तर अधूरा है",notSent:"नहीं भेजा गया",reasoning:"सोच-विचार",suggestions:"सुझाव",starters:"शुरुआत के लिए",copy:"कॉपी करें",copied:"कॉपी हो गया",code:"कोड",table:"तालिका",edit:"बदलें",again:"फिर से उत्तर दें",good:"अच्छा उत्तर",bad:"खराब उत्तर",retry:"फिर कोशिश करें",versions:e=>`${e} पुराने रूप`,doing:{look:e=>`${e} देखा जा रहा है …`,add:e=>`${e} जोड़ा जा रहा है …`,change:e=>`${e} बदला जा रहा है …`,remove:e=>`${e} हटाया जा रहा है …`,use:e=>`${e} का उपयोग हो रहा है …`},done:{look:e=>`${e} देखा गया`,add:e=>`${e} जोड़ा गया`,change:e=>`${e} बदला गया`,remove:e=>`${e} हटाया गया`,use:e=>`${e} का उपयोग हुआ`},usedTools:e=>`${e} चरण`,toolFailed:"विफल",toolWaits:"प्रतीक्षा में",duration:e=>`${e} से॰`,action:(e,t)=>`${e}: ${t}`,approval:"आपकी स्वीकृति चाहिए",approve:"स्वीकार करें",deny:"अस्वीकार करें",approved:"स्वीकृत",denied:"अस्वीकृत",expired:"समय समाप्त",expiresAt:e=>`${e} तक`,search:"बातचीत खोजें",noConversations:"अभी कोई बातचीत नहीं",nothingFound:"कुछ नहीं मिला",untitled:"बिना शीर्षक",rename:"नाम बदलें",newTitle:"नया शीर्षक",save:"सहेजें",remove:"मिटाएँ",removeThis:"यह बातचीत मिटाएँ?",keep:"रहने दें",more:"और दिखाएँ",back:"वापस",offline:"आप ऑफ़लाइन हैं। उत्तर बनते रहेंगे और लौटने पर यहीं मिलेंगे।",reconnecting:"कनेक्शन टूट गया। फिर से जोड़ा जा रहा है …",backOnline:"फिर से जुड़ गए।",loading:"लोड हो रहा है …",signInAgain:"फिर से साइन इन करें",errors:{network:"सहायक तक पहुँच नहीं हो पा रही है।",unauthorized:"आपका सत्र समाप्त हो गया है। कृपया फिर से साइन इन करें।",rate_limited:"एक साथ बहुत कुछ हो गया। कृपया थोड़ा रुकें।",overloaded:"सहायक व्यस्त है। कृपया थोड़ी देर में फिर कोशिश करें।",model:"मॉडल ने उत्तर नहीं दिया।",too_long:"यह बातचीत बहुत लंबी हो गई है। कृपया नई शुरू करें।",other:"कुछ गड़बड़ हो गई।"},tryAgainIn:e=>`${e} से॰ बाद फिर कोशिश करें।`};var Us={language:"pt",direction:"ltr",assistant:"Assistente",open:"Abrir o assistente",close:"Fechar",unread:"Nova resposta",newConversation:"Nova conversa",conversations:"Conversas",messages:"Mensagens",jumpToLatest:"Ir para o fim",placeholder:"Pergunte o que quiser …",message:"Mensagem",send:"Enviar",stop:"Parar",keys:"Enter envia, Shift+Enter começa outra linha",tooLong:e=>`${e} caracteres a mais`,editing:"Você está editando sua mensagem",cancel:"Cancelar",you:"Você",answering:"O assistente está respondendo …",answered:"Resposta completa.",stopped:"Parada",partial:"Esta resposta não está completa",notSent:"Não enviada",reasoning:"Raciocínio",suggestions:"Sugestões",starters:"Para começar",copy:"Copiar",copied:"Copiado",code:"Código",table:"Tabela",edit:"Editar",again:"Responder de novo",good:"Boa resposta",bad:"Má resposta",retry:"Tentar de novo",versions:e=>e===1?"1 versão anterior":`${e} versões anteriores`,doing:{look:e=>`Consultando ${e} …`,add:e=>`Adicionando ${e} …`,change:e=>`Alterando ${e} …`,remove:e=>`Removendo ${e} …`,use:e=>`Usando ${e} …`},done:{look:e=>`Consultado: ${e}`,add:e=>`Adicionado: ${e}`,change:e=>`Alterado: ${e}`,remove:e=>`Removido: ${e}`,use:e=>`Usado: ${e}`},usedTools:e=>`${e} etapas`,toolFailed:"Falhou",toolWaits:"Aguardando",duration:e=>`${e} s`,action:(e,t)=>`${e}: ${t}`,approval:"Sua aprovação é necessária",approve:"Aprovar",deny:"Recusar",approved:"Aprovado",denied:"Recusado",expired:"Expirado",expiresAt:e=>`Até ${e}`,search:"Buscar conversas",noConversations:"Ainda não há conversas",nothingFound:"Nada encontrado",untitled:"Sem título",rename:"Renomear",newTitle:"Novo título",save:"Salvar",remove:"Excluir",removeThis:"Excluir esta conversa?",keep:"Manter",more:"Mostrar mais",back:"Voltar",offline:"Você está sem conexão. As respostas continuam e estarão aqui quando você voltar.",reconnecting:"Conexão perdida. Reconectando …",backOnline:"Conectado de novo.",loading:"Carregando …",signInAgain:"Entrar de novo",errors:{network:"Não foi possível alcançar o assistente.",unauthorized:"Sua sessão terminou. Entre de novo.",rate_limited:"Foi muita coisa de uma vez. Aguarde um momento.",overloaded:"O assistente está ocupado. Tente de novo em instantes.",model:"O modelo não respondeu.",too_long:"Esta conversa ficou longa demais. Comece uma nova.",other:"Algo deu errado."},tryAgainIn:e=>`Tente de novo em ${e} s.`};var Fd={ar:Bs,de:$s,en:Xr,es:js,hi:Hs,pt:Us};function Vs(e){return Fd[e.toLowerCase().split(/[-_]/)[0]??""]??Xr}var Md=["light","dark","system"],Ld=["token","tools","branchId"],Sn=class extends HTMLElement{static observedAttributes=["url","lang","mode","layout","accent","open"];#e;#n=new CSSStyleSheet;#t=null;#i={};#o={context:()=>this.context?.()??{}};#s=null;#r=null;#a=null;#c=new xt("");#l=null;#u=null;#d=0;#h=!1;#f=null;constructor(){super(),this.#e=this.attachShadow({mode:"open"}),this.#e.adoptedStyleSheets=[...ko(),this.#n]}get token(){return this.#t}set token(t){let n=this.#t===null&&t!==null;this.#t=t,n&&this.#r!==null&&this.#x()}get tools(){return this.#i}set tools(t){this.#i=t,this.#r!==null&&(this.#r.tools=t)}get branchId(){return this.#o.branchId}set branchId(t){t===void 0?delete this.#o.branchId:this.#o.branchId=t}get open(){return this.hasAttribute("open")}set open(t){this.toggleAttribute("open",t)}get chat(){return this.#r}connectedCallback(){for(let t of Ld)this.#p(t);this.#r===null&&(dr(this.#n,this.getAttribute("accent")),this.#m())}disconnectedCallback(){queueMicrotask(()=>this.isConnected||this.#b())}attributeChangedCallback(t,n,r){n!==r&&(t==="accent"&&dr(this.#n,r),this.#r!==null&&(t==="url"&&(this.#b(),this.#m()),(t==="lang"||t==="mode")&&this.#y(),t==="layout"&&this.#u?.arrange(),t==="open"&&(this.#c.set("open",this.open?"yes":"no"),this.#_({focus:!0}))))}#p(t){if(!Object.hasOwn(this,t))return;let n=this,r=n[t];delete n[t],n[t]=r}#m(){let t=this.getAttribute("url")??"";this.#c=new xt(t),this.#s=ur({url:t,token:()=>this.#t?.()??""}),this.#r=this.#s.chat(this.#o),this.#r.tools=this.#i,this.#r.subscribe(r=>{this.#c.set("conversation",r.conversationId),this.#R(),this.#E()}),this.#r.onAction(r=>this.#T(r)),this.#r.onEvent(r=>this.dispatchEvent(new CustomEvent("frontdesk-event",{detail:r})));let n=this.#c.get("open");n!==null&&(this.open=n==="yes"),this.#y(),this.#x()}#x(){let t=this.#r;if(this.#t===null)return;this.#s?.assistant().then(r=>{t===this.#r&&(this.#a=r,this.#E())},()=>{});let n=this.#c.get("conversation");n!==null&&this.#g(n)}async#g(t){let n=this.#r;await n?.open(t),n?.view.error?.code==="not_found"&&n.startNew()}#b(){cancelAnimationFrame(this.#d),this.#d=0,this.#r?.close(),this.#r=this.#s=this.#a=this.#f=null,this.#h=!1,this.#v()}#v(){this.#l?.close(),this.#u?.close(),this.#l=this.#u=null,this.#e.replaceChildren()}#y(){if(this.#r===null||this.#s===null)return;this.#v();let t=this.#w(),n=!["inline","page"].includes(this.getAttribute("mode")??"");if(this.#l=new Dn({texts:t,client:this.#s,chat:this.#r,sanitise:ho(()=>this.#k()),memory:this.#c,close:n?()=>this.open=!1:null}),n){let r=()=>this.getAttribute("layout")??"auto";this.#u=new on(this.#l,t,r,i=>this.open=i)}else this.#l.element.role="region",this.#l.element.ariaLabel=t.assistant;this.#e.append(...this.#u?.elements??[this.#l.element]),this.#A(),this.#_({focus:!1})}#w(){let t=this.closest("[lang]")?.getAttribute("lang");return Vs(t||navigator.language)}#k(){return{page:new URL(document.baseURI),linkHosts:hr(this.getAttribute("link-hosts")),imageHosts:hr(this.getAttribute("image-hosts"))}}#_(t){this.#u!==null&&(this.#u.show(this.open,t),this.#A())}#E(){this.#d||=requestAnimationFrame(()=>this.#A())}#A(){cancelAnimationFrame(this.#d),this.#d=0;let t=this.#r?.view;t!==void 0&&(this.#l?.update(t,this.#a),this.open&&(this.#h=!1),this.#u?.update(this.#h))}#R(){let t=this.#r?.view,n=t?.messages.at(-1);t===void 0||t.phase==="loading"?this.#f=null:t.phase!=="idle"&&t.phase!=="awaiting_input"?this.#f??="":n?.role==="assistant"&&this.#C(`${n.id} ${n.status}`)}#C(t){!this.open&&this.#f!==null&&this.#f!==t&&(this.#h=!0),this.#f=t}#T(t){let n=new CustomEvent("frontdesk-action",{detail:t,bubbles:!0,composed:!0,cancelable:!0});if(!this.dispatchEvent(n))return;let r=this.actions??{};Object.hasOwn(r,t.type)?r[t.type]?.(t.value,t):t.type==="change_theme"&&Md.includes(t.value)&&this.setAttribute("theme",t.value)}};customElements.get("frontdesk-chat")===void 0&&customElements.define("frontdesk-chat",Sn);export{Sn as FrontdeskChat};
