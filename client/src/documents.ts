/* The operations, as they are sent. */

const origin = 'origin{uid ident firstname lastname fullname email socketId streamId}';
const call =
  'call{id state reason rev hubId roomId roomType caller callee legs alerting createdAt expiresAt acceptedAt endedAt}';
const calls = call.replace('call', 'calls');
const device = 'device{deviceId deviceLabel socketId}';
const iceServers = 'iceServers{urls username credential refreshAfter}';
const record =
  '{id callId peer caller direction reason missed status startedAt acceptedAt duration hubId endedAt}';

export const incomingSignal = `subscription($deviceId:ID,$deviceLabel:String,$after:String,$resumeToken:String,$kinds:[SignalKind!],$hubIds:[ID!]){incomingSignal(deviceId:$deviceId,deviceLabel:$deviceLabel,after:$after,resumeToken:$resumeToken,kinds:$kinds,hubIds:$hubIds){__typename id cursor service sentAt hubId ${origin}
...on SocketReady{socketId deviceId resumeToken recovered reason hubIds heartbeatMs expiresAt ${calls}}
...on SocketClosing{code reconnect retryAfterMs}
...on HubNotification{type payload recipients}
...on PeerMessage{target{socketId streamId hubId uid}scope type role duration callId generation payload}
...on IncomingCall{name ring waiting expiresAt remainingMs payload ${call}}
...on CallUpdated{change expiresAt remainingMs ${call} ${device} legs{deviceId deviceLabel state since}}
...on CallLogged{record${record}}}}`;

const inHub = (field: string, input: string, selection: string): string =>
  `mutation($hubId:ID!,$input:${input}!){${field}(hubId:$hubId,input:$input){${selection}}}`;

export const notify = inHub('notify', 'NotifyInput', 'signalId hubs{hubId sockets nodes}');
export const message = inHub('message', 'MessageInput', `signalId scope offline held ${call}`);
export const dial = inHub('dial', 'DialInput', `offline merged polite ${call} ${iceServers}`);

export const acknowledgeRing = `mutation($callId:ID!,$socketId:ID!){acknowledgeRing(callId:$callId,socketId:$socketId){changed ${call}}}`;
export const accept = `mutation($callId:ID!,$socketId:ID!){accept(callId:$callId,socketId:$socketId){__typename
...on Accepted{polite ${call} ${iceServers}}
...on AnsweredElsewhere{${device} ${call}}
...on CallEnded{${call}}}}`;
export const decline = `mutation($callId:ID!,$socketId:ID,$busy:Boolean){decline(callId:$callId,socketId:$socketId,busy:$busy){changed ${call}}}`;
export const hangUp = `mutation($callId:ID!,$socketId:ID,$reason:HangUpReason){hangUp(callId:$callId,socketId:$socketId,reason:$reason){changed ${call}}}`;

export const keepAlive =
  'mutation($socketId:ID!,$seconds:Int){keepAlive(socketId:$socketId,nextWithinSeconds:$seconds){nextBy}}';

export const activeCalls = `{${calls.replace('calls', 'activeCalls')}}`;
export const oneCall = `query($callId:ID!){${call.replace('call', 'call(callId:$callId)')}}`;
export const freshIceServers = `query($callId:ID!){${iceServers.replace('iceServers', 'iceServers(callId:$callId)')}}`;
export const callHistory = `query($peer:ID,$first:Int,$after:String){callHistory(peer:$peer,first:$first,after:$after){edges{cursor node${record}}pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}`;
