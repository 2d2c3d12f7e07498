-- What clients, their subscriptions and what they are told look like in Redis. ARGV: the settings,
-- then any number of operations, each as JSON; the answer has a part for each.
--
--   …s:<client>   hash: user, subscriptions, how far it has come, the poll that is held
--   …u:<user>     its clients, by when they are forgotten
--   …l:<user>     the latest of what it is told, each as topic, newline, data
--   …h:<user>     the number of the last of these
--   …b:<browser>  the clients with held polls of one browser, where that is limited
--   …board:…      what boards of an organisation are told; see board.lua
--
-- How far a client has come is one number: what it is told is numbered without a gap, so nothing is
-- doubled or lost, whoever adds and whoever reads.

local P = 'frontdesk:cometd:'
local WAKE = P .. 'wake'
local BOARD, TOPIC = P .. 'board:', '/v2/board'
local set = cjson.decode(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local UNKNOWN, ANSWER, HELD, BEHIND, CROWDED, REPLACED, REFUSED = 0, 1, 2, 3, 4, 5, 6
local EXACT, ONE = 0, 1
-- No number; and how many batches are remembered until they are acknowledged.
local NONE, SENT = -1, 32

local function whole(number)
  return string.format('%.0f', number)
end

-- An empty table would be written as an object.
local function encoded(list)
  return #list > 0 and cjson.encode(list) or '[]'
end

local function find(op)
  local kept = redis.call('HMGET', P .. 's:' .. op.id,
    'user', 'cursor', 'ack', 'batch', 'sent', 'hold', 'subs', 'met', 'until', 'browser',
    'house', 'seen')
  if kept[1] ~= op.user then
    return nil
  end
  return {
    id = op.id, user = op.user, key = P .. 's:' .. op.id, cursor = tonumber(kept[2]),
    acks = kept[3] == '1', batch = tonumber(kept[4]), sent = cjson.decode(kept[5]), hold = kept[6],
    subs = cjson.decode(kept[7]), met = kept[8] == '1', upto = tonumber(kept[9]) or 0,
    browser = kept[10],
    -- The organisation of its board, and how far it has come there.
    house = kept[11] or '', seen = tonumber(kept[12]),
  }
end

local function live(s, ms)
  redis.call('PEXPIRE', s.key, ms)
  redis.call('ZADD', P .. 'u:' .. s.user, whole(now + ms), s.id)
  for _, kind in ipairs({'u:', 'l:', 'h:'}) do
    redis.call('PEXPIRE', P .. kind .. s.user, set.keep)
  end
  if s.house and s.house ~= '' then
    redis.call('ZADD', P .. 'boards', whole(now + set.keep), s.house)
    for _, kind in ipairs({'l:', 'h:', 'n:', 'q:'}) do
      redis.call('PEXPIRE', BOARD .. kind .. s.house, set.keep)
    end
  end
end

local function remove(s)
  redis.call('DEL', s.key)
  redis.call('ZREM', P .. 'u:' .. s.user, s.id)
  if s.browser ~= '' then
    redis.call('ZREM', P .. 'b:' .. s.browser, s.id)
  end
end

local function release(s)
  if s.hold ~= '' and s.browser ~= '' then
    redis.call('ZREM', P .. 'b:' .. s.browser, s.id)
  end
end

-- The channel by which a client hears of something, or nil: the first of its subscriptions counts.
local function channel(topic, number, subs, hidden)
  for _, one in ipairs(hidden) do
    if topic == one then
      return nil
    end
  end
  for _, sub in ipairs(subs) do
    local prefix, depth = sub[2], sub[3]
    local fits = false
    if number > sub[6] then
      if depth == EXACT then
        fits = topic == prefix
      else
        local start = prefix .. '/'
        fits = #topic > #start and topic:sub(1, #start) == start
          and (depth ~= ONE or not topic:find('/', #start + 1, true))
      end
    end
    if fits then
      return (sub[4] == 1 and topic:sub(4) or topic) .. sub[5]
    end
  end
end

-- What a client's user was told after its cursor: whether it can be told, and the texts.
local function collect_own(s, op)
  local texts, size, at = {}, 0, s.cursor
  if not at then
    return true, texts, at
  end
  local head = tonumber(redis.call('GET', P .. 'h:' .. s.user))
  if not head or head - math.max(at, s.upto) > set.queue then
    remove(s)
    return false, UNKNOWN
  end
  local function add(topic, data)
    at = at + 1
    local name = channel(topic, at, s.subs, op.hidden)
    if name then
      local text = '{"channel":"' .. name .. '","data":' .. data
        .. ',"ext":{"replayId":' .. whole(at) .. '}}'
      texts[#texts + 1] = text
      size = size + #text
    end
    return #texts >= set.events or size >= set.bytes
  end
  if op.rows and op.rows[1] and op.rows[1][1] == at + 1 then
    for _, row in ipairs(op.rows) do
      if add(row[2], row[3]) then
        return true, texts, at
      end
    end
  end
  local length = redis.call('LLEN', P .. 'l:' .. s.user)
  if #texts == 0 and at < head - length then
    s.cursor = at
    redis.call('HSET', s.key, 'cursor', whole(at))
    return false, BEHIND
  end
  while #texts == 0 and at < head do
    local from = length - (head - at)
    for _, entry in ipairs(redis.call('LRANGE', P .. 'l:' .. s.user, from, from + set.events - 1)) do
      local cut = entry:find('\n', 1, true)
      if add(entry:sub(1, cut - 1), entry:sub(cut + 1)) then
        return true, texts, at
      end
    end
  end
  return true, texts, at
end

-- The channel by which a client hears of its board, or nil; wildcards do not bring it.
local function board_channel(s, hidden)
  for _, one in ipairs(hidden) do
    if one == TOPIC then
      return nil
    end
  end
  for _, sub in ipairs(s.subs) do
    if sub[2] == TOPIC and sub[3] == EXACT then
      return (sub[4] == 1 and TOPIC:sub(4) or TOPIC) .. sub[5]
    end
  end
end

-- Adds what the board has after what the client has seen; false when some of it is gone.
local function collect_board(s, name, texts)
  local log = BOARD .. 'l:' .. s.house
  local head, length = tonumber(redis.call('GET', BOARD .. 'h:' .. s.house)), redis.call('LLEN', log)
  if not head or s.seen > head or s.seen < head - length then
    return false
  end
  local size = 0
  for _, text in ipairs(texts) do
    size = size + #text
  end
  local at, from = s.seen, length - (head - s.seen)
  if at < head and #texts < set.events then
    for _, entry in ipairs(redis.call('LRANGE', log, from, from + set.events - #texts - 1)) do
      if size >= set.bytes then
        break
      end
      local text = '{"channel":"' .. name .. '","data":' .. entry .. '}'
      at, size, texts[#texts + 1] = at + 1, size + #text, text
    end
  end
  s.reached = at
  return true
end

-- What a client has to be told: whether it can be told, the texts, and how far they go.
local function collect(s, op)
  local can, texts, at = collect_own(s, op)
  local name = can and s.house ~= '' and board_channel(s, op.hidden)
  if name and not collect_board(s, name, texts) then
    -- Nothing of a board is kept elsewhere: the client begins anew, and reads the state.
    remove(s)
    return false, UNKNOWN
  end
  return can, texts, at
end

-- What the client says that it has got is over.
local function acknowledge(s, batch)
  local left, fields = {}, {}
  for _, one in ipairs(s.sent) do
    if one[1] > batch then
      left[#left + 1] = one
    else
      if one[2] ~= NONE then
        s.cursor = math.max(s.cursor, one[2])
        fields.cursor = s.cursor
      end
      if one[3] ~= NONE then
        s.seen = math.max(s.seen, one[3])
        fields.seen = s.seen
      end
    end
  end
  s.sent = left
  redis.call('HSET', s.key, 'sent', encoded(left))
  for name, number in pairs(fields) do
    redis.call('HSET', s.key, name, whole(number))
  end
end

local function answer(s, texts, at)
  release(s)
  local fields = {'hold', '', 'met', '1'}
  local moved = at and whole(at) or ''
  if s.acks then
    s.batch = s.batch + 1
    -- The cursors follow when the client says that it has got this batch. Several may be on their
    -- way: a poll that was cut off can be answered after the one that came in its place.
    s.sent[#s.sent + 1] = {s.batch, at or NONE, s.reached or NONE}
    if #s.sent > SENT then
      table.remove(s.sent, 1)
    end
    fields[5], fields[6], fields[7], fields[8] = 'batch', whole(s.batch), 'sent', encoded(s.sent)
  else
    fields[5], fields[6] = 'cursor', moved
    if s.reached then
      fields[7], fields[8] = 'seen', whole(s.reached)
    end
  end
  redis.call('HSET', s.key, unpack(fields))
  live(s, set.interval)
  return {ANSWER, s.acks and s.batch or -1, table.concat(texts, ',')}
end

-- Whether this browser has as many held polls as it may have.
local function is_crowded(s, op)
  if set.browsers == 0 or op.browser == '' then
    return false
  end
  local key = P .. 'b:' .. op.browser
  redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now))
  redis.call('ZREM', key, s.id)
  if redis.call('ZCARD', key) >= set.browsers then
    return true
  end
  local ms = op.wait + set.interval
  redis.call('ZADD', key, whole(now + ms), s.id)
  redis.call('PEXPIRE', key, math.max(ms, redis.call('PTTL', key)))
  redis.call('HSET', s.key, 'browser', op.browser)
  return false
end

local ops = {}

function ops.open(op)
  local clients = P .. 'u:' .. op.user
  redis.call('ZREMRANGEBYSCORE', clients, '-inf', whole(now))
  if redis.call('ZCARD', clients) >= set.clients then
    return {REFUSED}
  end
  local s = {id = op.id, user = op.user, key = P .. 's:' .. op.id}
  redis.call('HSET', s.key, 'user', op.user, 'cursor', '', 'ack', op.acks and '1' or '0',
    'batch', '0', 'sent', '[]', 'hold', '', 'subs', '[]', 'met', '0', 'until', '', 'browser', '')
  live(s, set.interval)
  return {ANSWER}
end

function ops.check(op)
  return {find(op) and ANSWER or UNKNOWN}
end

-- A poll comes: it is answered with what waits, or held.
function ops.arrive(op)
  local s = find(op)
  if not s then
    return {UNKNOWN}
  end
  if s.hold ~= '' and s.hold ~= op.hold then
    redis.call('PUBLISH', WAKE, 'e' .. s.hold)
    release(s)
    s.hold = ''
    redis.call('HSET', s.key, 'hold', '')
  end
  if s.acks and op.ack and #s.sent > 0 then
    acknowledge(s, op.ack)
  end
  local can, texts, at = collect(s, op)
  if not can then
    return {texts, s.cursor}
  end
  if #texts > 0 or op.wait == 0 or not s.met then
    return answer(s, texts, at)
  end
  if is_crowded(s, op) then
    answer(s, texts, at)
    return {CROWDED, s.acks and s.batch or -1, ''}
  end
  redis.call('HSET', s.key, 'hold', op.hold, 'cursor', at and whole(at) or '')
  live(s, op.wait + set.interval)
  return {HELD}
end

-- A held poll looks again, for the last time when it is final.
function ops.take(op)
  local s = find(op)
  if not s then
    return {UNKNOWN}
  end
  if s.hold ~= op.hold then
    return {REPLACED}
  end
  local can, texts, at = collect(s, op)
  if not can then
    return {texts, s.cursor}
  end
  if #texts > 0 or op.final then
    return answer(s, texts, at)
  end
  if at and at ~= s.cursor then
    redis.call('HSET', s.key, 'cursor', whole(at))
  end
  return {HELD}
end

-- The other end of a held poll has gone; what waits stays.
function ops.drop(op)
  local s = find(op)
  if s and s.hold == op.hold then
    release(s)
    redis.call('HSET', s.key, 'hold', '')
    live(s, set.interval)
  end
  return {ANSWER}
end

local function by_preference(one, other)
  if one[4] ~= other[4] then
    return one[4] < other[4]
  end
  if one[3] ~= other[3] then
    return one[3] < other[3]
  end
  return one[1] < other[1]
end

-- From here on a client hears of its organisation's board, which is opened if nobody watches it.
local function watch(s, board)
  local head = BOARD .. 'h:' .. board.house
  if redis.call('SET', head, '0', 'NX') then
    redis.call('DEL', BOARD .. 'l:' .. board.house, BOARD .. 'n:' .. board.house,
      BOARD .. 'q:' .. board.house)
    for user, number in pairs(board.positions) do
      redis.call('HSET', BOARD .. 'n:' .. board.house, user, whole(number))
    end
  end
  s.house = board.house
  redis.call('HSET', s.key, 'house', s.house, 'seen', redis.call('GET', head))
  for _, one in ipairs(s.sent) do
    one[3] = NONE
  end
  live(s, math.max(redis.call('PTTL', s.key), 1))
end

function ops.subscribe(op)
  local s = find(op)
  if not s then
    return {UNKNOWN}
  end
  local had, lowest, replayed = {}, nil, {}
  local had_board = board_channel(s, {})
  for _, sub in ipairs(s.subs) do
    had[sub[1]] = sub
  end
  for _, wanted in ipairs(op.wanted) do
    local old = had[wanted[1]]
    if not old or wanted[7] then
      lowest = math.min(lowest or wanted[6], wanted[6])
      replayed[wanted[1]] = true
    end
    if not old then
      s.subs[#s.subs + 1], had[wanted[1]] = wanted, wanted
    elseif wanted[7] then
      old[6] = wanted[6]
    end
    if wanted[7] then
      -- What it asks for again is no queue that has grown.
      s.upto = math.max(s.upto, op.position)
    end
  end
  if #s.subs > set.subscriptions then
    return {REFUSED}
  end
  -- From here on everything is kept for it that is told after the position.
  redis.call('SET', P .. 'h:' .. s.user, whole(op.position), 'NX')
  if not s.cursor then
    s.cursor = lowest or op.position
  elseif lowest and lowest < s.cursor then
    -- It goes back for this subscription alone: the others had what came until now.
    local passed = s.cursor
    for _, one in ipairs(s.sent) do
      passed = math.max(passed, one[2])
      one[2] = NONE
    end
    for _, sub in ipairs(s.subs) do
      if not replayed[sub[1]] then
        sub[6] = math.max(sub[6], passed)
      end
    end
    s.cursor = lowest
  end
  if op.board and not had_board then
    watch(s, op.board)
  end
  table.sort(s.subs, by_preference)
  redis.call('HSET', s.key, 'subs', cjson.encode(s.subs), 'cursor', whole(s.cursor),
    'sent', encoded(s.sent), 'until', whole(s.upto))
  for _, kind in ipairs({'l:', 'h:'}) do
    redis.call('PEXPIRE', P .. kind .. s.user, set.keep)
  end
  if s.hold ~= '' then
    redis.call('PUBLISH', WAKE, 'w' .. s.user)
  end
  return {ANSWER}
end

function ops.unsubscribe(op)
  local s = find(op)
  if not s then
    return {UNKNOWN}
  end
  local unwanted, left = {}, {}
  for _, name in ipairs(op.names) do
    unwanted[name] = true
  end
  for _, sub in ipairs(s.subs) do
    if not unwanted[sub[1]] then
      left[#left + 1] = sub
    end
  end
  redis.call('HSET', s.key, 'subs', encoded(left))
  return {ANSWER}
end

function ops.close(op)
  local s = find(op)
  if not s then
    return {UNKNOWN}
  end
  if s.hold ~= '' then
    redis.call('PUBLISH', WAKE, 'd' .. s.hold)
  end
  remove(s)
  return {ANSWER}
end

-- One text for all: code, number and length of each answer on a line, and then its events.
local answers = {}
for i = 2, #ARGV do
  local op = cjson.decode(ARGV[i])
  local found = ops[op.op](op)
  local events = found[3] or ''
  answers[#answers + 1] = found[1] .. ' ' .. whole(found[2] or -1) .. ' ' .. #events .. '\n' .. events
end
return table.concat(answers)
